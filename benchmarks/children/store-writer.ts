// A process that fills the store of a stopped server: it accepts events and records the outcomes of attempts as the server does, but at
// times in the past, and with outcomes that follow from a plan. A million deliveries take about a minute.
import { serveCalls } from "../harness/process/serve-calls.ts";
import type { MadeProject } from "../harness/server/webhook-plan.ts";
import { BenchStore, type DeliveryUpdate, type NewEvent } from "../harness/store/bench-store.ts";
import { customerOfWebhook, eventTypeOf, fateOf, HOUR_MS, LOG_SPAN_MS, tagsOf } from "../harness/store/log-rows.ts";
import type { StorePlan } from "../harness/store/store-copy.ts";
import { bodyTemplate } from "../wire/bench-event.ts";

export interface FillOptions {
	/** The checkout whose store writes. */
	readonly codeDir: string;
	readonly path: string;
	readonly project: MadeProject;
	readonly plan: StorePlan;
}

export interface StoreWriterCalls {
	fill(options: FillOptions): Promise<void>;
}

/** All deliveries of a commit are made at the same time, so that the stats of a long log are not one row for each of them. */
const DELIVERIES_PER_COMMIT = 1_000;
/** The stats that are not in their tables yet are in memory. */
const ROLL_UP_EVERY = 50;
const BODY = bodyTemplate(0).bytes;

async function fill({ codeDir, path, project, plan }: FillOptions): Promise<void> {
	const store = await BenchStore.open(codeDir, path, project);
	const now = Date.now();
	const spanMs = plan.state === "log" ? LOG_SPAN_MS : HOUR_MS;
	const commits = Math.ceil(plan.deliveries / DELIVERIES_PER_COMMIT);
	for (let commit = 0; commit < commits; commit++) {
		store.now = now - spanMs + Math.floor((commit / commits) * (spanMs - HOUR_MS / 2));
		await writeCommit(store, plan, commit * DELIVERIES_PER_COMMIT, now);
		if (commit % ROLL_UP_EVERY === ROLL_UP_EVERY - 1) await store.rollUp(now);
	}
	await store.rollUp(now);
	await store.close();
}

/** Writes the events that begin in this commit's share of the deliveries. */
async function writeCommit(store: BenchStore, plan: StorePlan, first: number, now: number): Promise<void> {
	const { deliveries, perEvent, state, labelled = false } = plan;
	const events: NewEvent[] = [];
	const outcomes: DeliveryUpdate[] = [];
	const end = Math.min(deliveries, first + DELIVERIES_PER_COMMIT);
	for (let start = Math.ceil(first / perEvent) * perEvent; start < end; start += perEvent) {
		const webhookIds = webhooksOf(store, start, Math.min(perEvent, deliveries - start));
		const index = start / perEvent;
		const labels = labelled ? { tags: tagsOf(index), customers: customerOfWebhook(start % plan.webhooks) } : {};
		const event = store.newEvent({ type: eventTypeOf(index), body: BODY, webhookIds, hasRoom: false, ...labels });
		events.push(event);
		for (const [index, id] of store.deliveriesOf(event).entries()) {
			outcomes.push(...store.outcomesOf(id, fateOf(state, start + index, now)));
		}
	}
	if (events.length > 0) await store.commit(events, outcomes);
}

/** The webhooks of the deliveries from `start` on: they take turns. */
function webhooksOf({ project: { webhookIds } }: BenchStore, start: number, count: number): string[] {
	return Array.from({ length: count }, (_, index) => webhookIds[(start + index) % webhookIds.length] ?? "");
}

serveCalls<StoreWriterCalls>({ fill });
