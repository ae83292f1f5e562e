// Claims: due deliveries of webhooks, of each the earliest due first.
import { transition } from "../../../../core/delivery.ts";
import { ERASED_REASON } from "../../../../core/policies/retention.ts";
import { isDeliverable } from "../../../../core/webhook.ts";
import type { Claim, ClaimRequest, LeasedDelivery } from "../../../../ports/store/queue.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { DELIVERY_COLUMNS, toDeliveryRow, type DeliveryRow } from "../../codec/delivery-rows.ts";
import { toEventDetails } from "../../codec/event-rows.ts";
import { among, idOf, isAmong, uuidOf } from "../../codec/ids.ts";
import { bytes, number, numberOrNull, text, type Row } from "../../codec/rows.ts";
import { qualified, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { DeliverySet } from "../../deliveries/delivery-set.ts";
import { StatsChanges } from "../../stats/journal.ts";
import { readWebhooks } from "../webhook-state.ts";
import { SharedClaims, type Wanted } from "./shared-claims.ts";

/**
 * The deliveries, and how large their bodies are, before any body is read. One that another transaction has locked is about to change:
 * it is not claimed now, and nobody waits for it.
 */
const SELECT_DUE = statement(`
	SELECT ${qualified("waiting", DELIVERY_COLUMNS)}, coalesce(octet_length(event.body), 0) AS body_size
	FROM unnest($1::uuid[], $2::bigint[], $3::integer[]) AS wanted(webhook_id, at, most)
	CROSS JOIN LATERAL (
		SELECT * FROM open_deliveries WHERE webhook_id = wanted.webhook_id AND due_at <= wanted.at ORDER BY due_at, id LIMIT wanted.most
		FOR UPDATE SKIP LOCKED
	) waiting
	LEFT JOIN events event ON event.id = waiting.event_id ORDER BY waiting.due_at, waiting.id
`);
const SELECT_EVENTS = statement(`SELECT id, create_date, details, body FROM events WHERE ${isAmong("id")}`);
const LEASE = statement("UPDATE open_deliveries SET lease_until = $1, due_at = $1 WHERE id = ANY($2::uuid[])");
const SELECT_NEXT = statement(`
	SELECT wanted.id, (SELECT min(due_at) FROM open_deliveries WHERE webhook_id = wanted.id AND due_at IS NOT NULL) AS due_at
	FROM unnest($1::uuid[]) AS wanted(id)
`);

/**
 * Transactions of one project under way: the database works on the next one while this process takes what the last one brought. Those of
 * other projects have places of their own.
 */
const MOST_OF_PROJECT = 2;

const NOTHING: Claim = { deliveries: [], nextDueAt: null };

/** The call `claimDue`. */
export function createClaimDue(database: Database, numbers: ChangeNumbers) {
	const claimTogether = (wanted: readonly Wanted[]) =>
		database.transact((session) => claimAll(session, wanted, numbers));
	const claims = new SharedClaims(claimTogether, database.turns(MOST_OF_PROJECT));
	return async (request: ClaimRequest): Promise<Claim> => {
		const webhook = uuidOf("webhook", request.webhookId);
		if (webhook === null) return NOTHING;
		return (await claims.claim({ ...request, webhook })) ?? NOTHING;
	};
}

/** Claims for several webhooks, and returns by webhook what each gets. */
async function claimAll(
	session: Session,
	wanted: readonly Wanted[],
	numbers: ChangeNumbers,
): Promise<ReadonlyMap<string, Claim>> {
	const webhooks = wanted.map(({ webhook }) => webhook);
	const all = binaryArray("uuid", webhooks);
	const times = binaryArray(
		"int8",
		wanted.map(({ now }) => Math.trunc(now)),
	);
	const limits = binaryArray(
		"int4",
		wanted.map(({ limit }) => limit),
	);
	const [states, due] = await Promise.all([
		readWebhooks(session, webhooks),
		session.run(SELECT_DUE, [all, times, limits]),
	]);
	const deliverable = wanted.filter(({ webhook }) => {
		const state = states.get(webhook);
		return state !== undefined && isDeliverable(state);
	});
	if (deliverable.length === 0) return new Map();
	const dueOf = Map.groupBy(due, (row) => text(row["webhook_id"]));
	const taken = deliverable.flatMap(({ webhook, maxBytes }) => takeWithin(dueOf.get(webhook) ?? [], maxBytes));
	const erased = taken.filter((row) => number(row["body_size"]) === 0);
	const claimed = taken.filter((row) => number(row["body_size"]) > 0).map(toDeliveryRow);
	cancelErased(session, { rows: erased, now: Math.max(...wanted.map(({ now }) => now)), numbers });
	const leaseUntil = Math.max(...wanted.map((each) => each.leaseUntil));
	const ids = claimed.map(({ id }) => id);
	if (ids.length > 0) void session.run(LEASE, [leaseUntil, binaryArray("uuid", ids)]).catch(() => {});
	const [events, next] = await Promise.all([
		readEvents(session, claimed),
		session.run(SELECT_NEXT, [
			binaryArray(
				"uuid",
				deliverable.map(({ webhook }) => webhook),
			),
		]),
	]);
	const claimedOf = Map.groupBy(claimed, ({ webhook }) => webhook);
	return new Map(
		next.map((row) => {
			const webhook = text(row["id"]);
			const deliveries = (claimedOf.get(webhook) ?? []).map((each) => toLeased(each, events, leaseUntil));
			return [webhook, { deliveries, nextDueAt: numberOrNull(row["due_at"] ?? null) }];
		}),
	);
}

/** Takes deliveries before their bodies exceed `maxBytes`. */
function takeWithin(due: readonly Row[], maxBytes: number): Row[] {
	const taken: Row[] = [];
	let size = 0;
	for (const row of due) {
		size += number(row["body_size"]);
		if (taken.length > 0 && size > maxBytes) break;
		taken.push(row);
	}
	return taken;
}

/**
 * Cancels due deliveries whose payload is erased. There should be none, since every call that makes deliveries due checks for the
 * payload; this makes sure that an empty body is never sent.
 */
function cancelErased(
	session: Session,
	{ rows, now, numbers }: { readonly rows: readonly Row[]; readonly now: number; readonly numbers: ChangeNumbers },
): void {
	if (rows.length === 0) return;
	const deliveries = new DeliverySet(numbers);
	const stats = new StatsChanges();
	for (const entry of deliveries.add(rows, "open_deliveries")) {
		const { row } = entry;
		const after = transition(row.state, { type: "cancel", reason: ERASED_REASON });
		deliveries.change(entry, after, now);
		stats.moved(row, now, row.state.status, after.status);
	}
	deliveries.write(session);
	stats.write(session);
}

interface Payload {
	readonly createDate: number;
	readonly body: Uint8Array;
	readonly traceparent: string | null;
}

async function readEvents(session: Session, claimed: readonly DeliveryRow[]): Promise<Map<string, Payload>> {
	if (claimed.length === 0) return new Map();
	const ids = [...new Set(claimed.map(({ event }) => event))];
	const rows = await session.run(SELECT_EVENTS, among(ids));
	return new Map(
		rows.map((row) => {
			const { traceparent } = toEventDetails(row);
			return [text(row["id"]), { createDate: number(row["create_date"]), body: bytes(row["body"]), traceparent }];
		}),
	);
}

function toLeased(row: DeliveryRow, events: ReadonlyMap<string, Payload>, leaseUntil: number): LeasedDelivery {
	const event = events.get(row.event);
	if (event === undefined) throw new Error(`the event ${row.event} is gone while its delivery waits`);
	return {
		id: idOf("dlv", row.id),
		projectId: idOf("proj", row.project),
		webhookId: idOf("webhook", row.webhook),
		eventId: idOf("evt", row.event),
		eventType: row.eventType,
		trigger: row.state.trigger,
		attemptCount: row.state.attemptCount,
		leaseUntil,
		createDate: event.createDate,
		body: event.body,
		traceparent: event.traceparent,
	};
}
