// The parts of the log: events, deliveries of both tables, attempts, and what refers to them.
import type { DatabaseSync } from "node:sqlite";

import type { DeliveryState } from "../../../core/delivery.ts";
import { deliveryIdAt } from "../../../core/ids.ts";
import { causeCode, causeOf, NO_CAUSE } from "../../../core/log/attempt-cause.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import type { TransferRows } from "../../../ports/store/transfer/rows.ts";
import { attemptNumberIn, toAttempt } from "../codec/attempt-rows.ts";
import { deliveryId, STATE_COLUMNS, toOpenState, toState } from "../codec/delivery-rows.ts";
import { countedLabelBytes, EVENT_COLUMNS, toEvent, toEventDetails } from "../codec/event-rows.ts";
import { idText } from "../codec/ids.ts";
import { REPLAY } from "../codec/replay-rows.ts";
import { bytes, countOf, json, number, numberOrNull, text, textOrNull, type Row } from "../codec/rows.ts";
import { list, qualified } from "../codec/statements.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import type { DeliveryIds } from "./delivery-ids.ts";
import { createPartReader, MAX_ROWS, readStep, type PartReader } from "./part-reader.ts";

/** Prepares the reading of the parts. */
export function createLogParts(db: DatabaseSync, numbers: Numbers, ids: DeliveryIds) {
	return {
		replays: createReplays(db, numbers, ids),
		events: createPartReader(db, {
			columns: [...EVENT_COLUMNS, "details", "body"],
			from: "events",
			key: ["seq"],
			toRow: (row) => ({
				event: toEvent(row, numbers),
				details: toEventDetails(row),
				labelBytes: countedLabelBytes(row),
				body: bytes(row["body"]),
			}),
		}),
		idempotencyKeys: createKeys(db, numbers),
		deliveries: createDeliveries(db, numbers),
		attempts: createAttempts(db),
		erasures: createErasures(db, numbers, ids),
	};
}

function createReplays(db: DatabaseSync, { projects }: Numbers, ids: DeliveryIds): PartReader<TransferRows["replays"]> {
	const selectId = db.prepare("SELECT id FROM events WHERE seq = ?");
	const idOf = (seq: number): string[] => {
		const event = selectId.get(seq);
		return event === undefined ? [] : [idText("evt", bytes(event["id"]))];
	};
	return createPartReader(db, {
		columns: ["*"],
		from: "replays",
		key: ["id"],
		toRow: (row) => {
			const replay = REPLAY.read(row);
			const project = projects.find(replay.projectId);
			const [position, madeAfter] = [numberOrNull(row["position_seq"]), number(row["made_after"])];
			return {
				replay,
				eventIds: row["chosen"] === null ? null : json<readonly number[]>(row["chosen"]).flatMap(idOf),
				positionId: project === null || position === null ? null : ids.lastEvent(project.number, position),
				madeAfter: project === null ? null : ids.lastMade(project.number, madeAfter),
			};
		},
	});
}

/** Events whose keys are left without them are not found any more. The newest event of a key decides whether the key is known. */
function createKeys(db: DatabaseSync, { projects }: Numbers): PartReader<TransferRows["idempotencyKeys"]> {
	return createPartReader(db, {
		columns: [
			qualified("k", ["project", "key", "fingerprint", "create_date"]),
			"event.id AS event_id",
			`EXISTS (
				SELECT 1 FROM idempotency_keys newer CROSS JOIN events ON events.seq = newer.event
				WHERE newer.project = k.project AND newer.key = k.key AND newer.event > k.event
			) AS has_newer`,
		],
		from: "idempotency_keys k CROSS JOIN events event ON event.seq = k.event",
		key: ["k.project", "k.key", "k.event"],
		toRow: (row) => {
			const fingerprint = bytes(row["fingerprint"]);
			return {
				projectId: projects.at(number(row["project"])).id,
				key: text(row["key"]),
				eventId: idText("evt", bytes(row["event_id"])),
				fingerprint: fingerprint.length === 0 || row["has_newer"] === 1 ? null : fingerprint,
				createDate: number(row["create_date"]),
			};
		},
	});
}

/** The columns of full rows that rows of `open` do not have. */
const FULL_COLUMNS = [
	"create_date",
	"update_date",
	"own_id",
	"outside",
	"change",
	"cause",
	"attempt",
	...STATE_COLUMNS,
];

/** Both tables as one list, in the order of the numbers. A place is a number. */
function createDeliveries(db: DatabaseSync, numbers: Numbers): PartReader<TransferRows["deliveries"]> {
	const columns = ["seq", "event", "webhook", "project"];
	const toRow = createToDelivery(db, numbers);
	const select = db.prepare(`
		SELECT ${qualified("delivery", [...columns, "is_open", ...FULL_COLUMNS])},
			event.id AS event_id, event.type AS event_type, event.create_date AS event_date,
			${attemptNumberIn("delivery.attempt")} AS first_number
		FROM (
			SELECT ${list(columns)}, 1 AS is_open, ${list(FULL_COLUMNS.map((name) => `NULL AS ${name}`))} FROM open WHERE seq > ?1
			UNION ALL SELECT ${list(columns)}, 0 AS is_open, ${list(FULL_COLUMNS)} FROM deliveries WHERE seq > ?1
			ORDER BY seq LIMIT ${MAX_ROWS}
		) delivery LEFT JOIN events event ON event.seq = delivery.event ORDER BY delivery.seq
	`);
	const count = db.prepare("SELECT (SELECT count(*) FROM open) + (SELECT count(*) FROM deliveries) AS count");
	return {
		count: () => countOf(count.get()),
		read: (after) => readStep(select.iterate(after === null ? 0 : Number(after)), (row) => String(row["seq"]), toRow),
	};
}

function createToDelivery(db: DatabaseSync, { projects, webhooks }: Numbers) {
	const selectLast = db.prepare("SELECT attempt FROM attempts WHERE delivery = ? ORDER BY number DESC LIMIT 1");
	return (row: Row): TransferRows["deliveries"] => {
		if (row["event_id"] === null) {
			throw new StoreError(
				"store_unavailable",
				`the delivery number ${number(row["seq"])} has no event, so the data is damaged: restore the data directory from a backup`,
			);
		}
		const eventDate = number(row["event_date"]);
		const isOpen = row["is_open"] === 1;
		const attempt = textOrNull(row["attempt"]);
		const createDate = numberOrNull(row["create_date"]) ?? eventDate;
		return {
			id: deliveryId(row),
			projectId: projects.at(number(row["project"])).id,
			webhookId: webhooks.at(number(row["webhook"])).id,
			eventId: idText("evt", bytes(row["event_id"])),
			eventType: text(row["event_type"]),
			createDate,
			updateDate: isOpen ? createDate : number(row["update_date"]),
			state: isOpen ? toOpenState(eventDate, null) : withoutLease(toState(row)),
			// A row of an earlier version does not have it until it changes.
			cause: isOpen ? NO_CAUSE : (numberOrNull(row["cause"]) ?? causeIn(selectLast.get(number(row["seq"])) ?? row)),
			isReplayed: row["outside"] === 1,
			change: numberOrNull(row["change"]),
			attempt: attempt === null ? null : { number: number(row["first_number"]), text: attempt },
		};
	};
}

function withoutLease(state: DeliveryState): DeliveryState {
	return state.leaseUntil === null ? state : { ...state, leaseUntil: null };
}

function causeIn(row: Row): number {
	const attempt = textOrNull(row["attempt"]);
	return attempt === null ? NO_CAUSE : causeCode(causeOf(toAttempt(attempt)));
}

/** The first attempts of deliveries are in their rows. */
function createAttempts(db: DatabaseSync): PartReader<TransferRows["attempts"]> {
	const reader = createPartReader(db, {
		columns: [
			"delivery.seq, delivery.event, delivery.own_id, event.id AS event_id",
			"attempts.number AS number, attempts.attempt AS attempt",
		],
		from: `attempts CROSS JOIN deliveries delivery ON delivery.seq = attempts.delivery
			CROSS JOIN events event ON event.seq = delivery.event`,
		key: ["attempts.delivery", "attempts.number"],
		toRow: (row) => ({ deliveryId: deliveryId(row), number: number(row["number"]), text: text(row["attempt"]) }),
	});
	const countFirst = db.prepare("SELECT count(attempt) AS count FROM deliveries");
	return { ...reader, count: () => reader.count() + countOf(countFirst.get()) };
}

/**
 * Erasures of events, and those that the deletion of a customer has begun: they end by themselves, while the deletion's search starts
 * over.
 */
const ERASURES = `(
	SELECT event, project, through, cancelled FROM erasures
	UNION ALL
	SELECT event.id, event.project, deletion.through, 0 FROM customer_deletions deletion
	CROSS JOIN projects ON projects.id = deletion.project_id
	CROSS JOIN events event ON event.seq = deletion.place AND event.project = projects.number
	WHERE deletion.through > 0 AND length(event.body) = 0
		AND NOT EXISTS (
			SELECT 1 FROM webhooks WHERE webhooks.project_id = deletion.project_id AND webhooks.customer_id = deletion.customer_id
		)
		AND event.id NOT IN (SELECT event FROM erasures)
) erasure`;

function createErasures(
	db: DatabaseSync,
	{ projects }: Numbers,
	ids: DeliveryIds,
): PartReader<TransferRows["erasures"]> {
	const selectEvent = db.prepare("SELECT seq, delivery_count FROM events INDEXED BY events_by_id WHERE id = ?");
	const throughId = (eventId: Uint8Array, through: number): string | null => {
		const event = through === 0 ? undefined : selectEvent.get(eventId);
		if (event === undefined) return null;
		const known = ids.of(through);
		const place = through - number(event["seq"]);
		// One that retention has deleted, or that waits, has the id of its place.
		const isInBlock = place >= 1 && place <= number(event["delivery_count"]);
		return known ?? (isInBlock ? deliveryIdAt(idText("evt", eventId), place - 1) : null);
	};
	return createPartReader(db, {
		columns: ["event", "project", "through", "cancelled"],
		from: ERASURES,
		key: ["event"],
		toRow: (row) => {
			const project = projects.atOrNull(number(row["project"]));
			if (project === null) return null;
			return {
				eventId: idText("evt", bytes(row["event"])),
				projectId: project.id,
				throughId: throughId(bytes(row["event"]), number(row["through"])),
				cancelled: number(row["cancelled"]),
			};
		},
	});
}
