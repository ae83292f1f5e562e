// Claims: due deliveries of a webhook, the earliest due first.
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

/**
 * The deliveries, and how large their bodies are, before any body is read. One that another transaction has locked is about to change:
 * it is not claimed now, and nobody waits for it.
 */
const SELECT_DUE = statement(`
	SELECT ${qualified("waiting", DELIVERY_COLUMNS)}, coalesce(octet_length(event.body), 0) AS body_size
	FROM (
		SELECT * FROM open_deliveries WHERE webhook_id = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3
		FOR UPDATE SKIP LOCKED
	) waiting
	LEFT JOIN events event ON event.id = waiting.event_id ORDER BY waiting.due_at, waiting.id
`);
const SELECT_EVENTS = statement(`SELECT id, create_date, details, body FROM events WHERE ${isAmong("id")}`);
const LEASE = statement("UPDATE open_deliveries SET lease_until = $1, due_at = $1 WHERE id = ANY($2::uuid[])");
const SELECT_NEXT = statement(
	"SELECT min(due_at) AS due_at FROM open_deliveries WHERE webhook_id = $1 AND due_at IS NOT NULL",
);

const NOTHING: Claim = { deliveries: [], nextDueAt: null };

/** The call `claimDue`. */
export function createClaimDue(database: Database, numbers: ChangeNumbers) {
	return async (request: ClaimRequest): Promise<Claim> => {
		const webhook = uuidOf("webhook", request.webhookId);
		if (webhook === null) return NOTHING;
		return database.transact(async (session) => {
			const [states, due] = await Promise.all([
				readWebhooks(session, [webhook]),
				session.run(SELECT_DUE, [webhook, Math.trunc(request.now), request.limit]),
			]);
			const state = states.get(webhook);
			if (state === undefined || !isDeliverable(state)) return NOTHING;
			const taken = takeWithin(due, request.maxBytes);
			const erased = taken.filter((row) => number(row["body_size"]) === 0);
			const claimed = taken.filter((row) => number(row["body_size"]) > 0).map(toDeliveryRow);
			cancelErased(session, { rows: erased, now: request.now, numbers });
			const ids = claimed.map(({ id }) => id);
			if (ids.length > 0) void session.run(LEASE, [request.leaseUntil, binaryArray("uuid", ids)]).catch(() => {});
			const [events, [next]] = await Promise.all([readEvents(session, claimed), session.run(SELECT_NEXT, [webhook])]);
			return {
				deliveries: claimed.map((row) => toLeased(row, events, request.leaseUntil)),
				nextDueAt: numberOrNull(next?.["due_at"] ?? null),
			};
		});
	};
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
