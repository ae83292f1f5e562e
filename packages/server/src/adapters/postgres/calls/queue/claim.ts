// Claims: due deliveries of webhooks, of each the earliest due first. Claims that are wanted at the same time share a transaction.
import { transition } from "../../../../core/delivery.ts";
import { ERASED_REASON } from "../../../../core/policies/retention.ts";
import { isDeliverable } from "../../../../core/webhook.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { LEAST_SHARE, type Claim, type ClaimRequest, type LeasedDelivery } from "../../../../ports/store/queue.ts";
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

/** Claims that share a transaction, which costs as much as some deliveries in it. */
const MOST_SHARING = 10;
/** What each of them gets at most, so that the others do not wait for one with much: it has the next transaction. */
const SHARE = { deliveries: LEAST_SHARE, bytes: 1_024 * 1_024 };
/** Transactions under way: the database works on the next one while this process takes what the last one brought. */
const MOST_TRANSACTIONS = 2;

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

const NOTHING: Claim = { deliveries: [], nextDueAt: null };

/** A claim that is wanted, with the UUID of its webhook. */
interface Wanted extends ClaimRequest {
	readonly webhook: string;
}

interface Waiting extends PromiseWithResolvers<Claim> {
	readonly wanted: Wanted;
}

/** The call `claimDue`. */
export function createClaimDue(database: Database, numbers: ChangeNumbers) {
	const claims = new SharedClaims((wanted) => database.transact((session) => claimAll(session, wanted, numbers)));
	return async (request: ClaimRequest): Promise<Claim> => {
		const webhook = uuidOf("webhook", request.webhookId);
		return webhook === null ? NOTHING : claims.claim({ ...request, webhook });
	};
}

/** Gathers the claims that come in one turn of the event loop, or while `MOST_TRANSACTIONS` are under way. */
class SharedClaims {
	readonly #claimAll: (wanted: readonly Wanted[]) => Promise<ReadonlyMap<string, Claim>>;
	#waiting: Waiting[] = [];
	#underWay = 0;

	constructor(claimAll: (wanted: readonly Wanted[]) => Promise<ReadonlyMap<string, Claim>>) {
		this.#claimAll = claimAll;
	}

	claim(wanted: Wanted): Promise<Claim> {
		const waiting = { wanted, ...Promise.withResolvers<Claim>() };
		this.#waiting.push(waiting);
		queueMicrotask(() => this.#begin());
		return waiting.promise;
	}

	#begin(): void {
		if (this.#waiting.length === 0 || this.#underWay >= MOST_TRANSACTIONS) return;
		const taken = this.#take();
		this.#underWay++;
		// `#run` never rejects.
		void this.#run(taken).finally(() => {
			this.#underWay--;
			this.#begin();
		});
		this.#begin();
	}

	/** Each webhook once. */
	#take(): Waiting[] {
		const taken = new Map<string, Waiting>();
		const left: Waiting[] = [];
		for (const waiting of this.#waiting) {
			const { webhook } = waiting.wanted;
			if (taken.size < MOST_SHARING && !taken.has(webhook)) taken.set(webhook, waiting);
			else left.push(waiting);
		}
		this.#waiting = left;
		return [...taken.values()];
	}

	async #run(all: readonly Waiting[]): Promise<void> {
		try {
			const claims = await this.#claimAll(all.map(({ wanted }) => (all.length === 1 ? wanted : shareOf(wanted))));
			for (const { wanted, resolve } of all) resolve(claims.get(wanted.webhook) ?? NOTHING);
		} catch (error) {
			const isAway = error instanceof StoreError && error.code === "store_unavailable";
			// The others must not fail for one whose deliveries can't be claimed.
			if (all.length > 1 && !isAway) for (const one of all) await this.#run([one]);
			else for (const { reject } of all) reject(error);
		}
	}
}

function shareOf(wanted: Wanted): Wanted {
	const { limit, maxBytes } = wanted;
	return { ...wanted, limit: Math.min(limit, SHARE.deliveries), maxBytes: Math.min(maxBytes, SHARE.bytes) };
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
