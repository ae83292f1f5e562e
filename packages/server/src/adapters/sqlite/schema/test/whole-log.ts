// Everything that the log shows of a store: read from the tables of version 0.1, and from a store of today.
import type { DatabaseSync } from "node:sqlite";

import { expect } from "vitest";

import { projectScope } from "../../../../core/access/principal.ts";
import type { Attempt, Delivery } from "../../../../core/delivery.ts";
import type { Event } from "../../../../core/event.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import { plainDelivery } from "../../../../ports/contract/store/records/logged.ts";
import { ANY_DELIVERY, attemptsOf } from "../../../../ports/contract/store/records/records.ts";
import type { LoggedEvent } from "../../../../ports/store/log.ts";
import type { Store } from "../../../../ports/store/store.ts";
import { toAttempt } from "../../codec/attempt-rows.ts";
import { toState } from "../../codec/delivery-rows.ts";
import { idText, idTime } from "../../codec/ids.ts";
import { bytes, number, rowId, text } from "../../codec/rows.ts";
import { FORMER_ATTEMPT_COLUMNS, formerAttemptText } from "../move/former-attempts.ts";

/** So short that lists have several pages. */
const PAGE = 9;
const ANY_EVENT = { types: null, after: null, before: null };

export interface WholeLog {
	/** By project, newest first. */
	readonly events: Readonly<Record<string, readonly Event[]>>;
	readonly deliveries: Readonly<Record<string, readonly Delivery[]>>;
	/** In hex; null: erased. */
	readonly bodies: Readonly<Record<string, string | null>>;
	readonly attempts: Readonly<Record<string, readonly Attempt[]>>;
	/** When the first delivery of each webhook is due. */
	readonly dueAt: Readonly<Record<string, number>>;
	/** How many deliveries wait. */
	readonly open: { readonly Pending: number; readonly Held: number };
}

/** Reads the tables of version 0.1. */
export function readFormerLog(db: DatabaseSync): WholeLog {
	const projects = db
		.prepare("SELECT id FROM projects")
		.all()
		.map((row) => idText("proj", rowId(row)));
	const events = db.prepare("SELECT * FROM events ORDER BY id DESC").all();
	const deliveries = db.prepare("SELECT * FROM deliveries ORDER BY id DESC").all();
	const attempts = db
		.prepare(`SELECT delivery_id, ${FORMER_ATTEMPT_COLUMNS} FROM attempts attempt ORDER BY delivery_id, number`)
		.all();
	const due = db.prepare(
		"SELECT webhook_id, min(due_at) AS due_at FROM deliveries WHERE status = 0 GROUP BY webhook_id",
	);
	const count = (status: number) => deliveries.filter((row) => row["status"] === status).length;
	const byProject = <T extends { readonly projectId: string }>(rows: readonly T[]) =>
		Object.fromEntries(projects.map((id) => [id, rows.filter(({ projectId }) => projectId === id)]));
	return {
		events: byProject(
			events.map((row) => ({
				id: idText("evt", rowId(row)),
				projectId: idText("proj", bytes(row["project_id"])),
				type: text(row["type"]),
				timestamp: number(row["timestamp"]),
				createDate: number(row["create_date"]),
				deliveryCount: number(row["delivery_count"]),
				customers: null,
				tags: [],
			})),
		),
		deliveries: byProject(
			deliveries.map((row) => ({
				id: idText("dlv", rowId(row)),
				projectId: idText("proj", bytes(row["project_id"])),
				eventId: idText("evt", bytes(row["event_id"])),
				eventType: text(row["event_type"]),
				webhookId: idText("webhook", bytes(row["webhook_id"])),
				customerId: null,
				createDate: idTime(rowId(row)),
				updateDate: number(row["update_date"]),
				...toState(row),
			})),
		),
		bodies: Object.fromEntries(events.map((row) => [idText("evt", rowId(row)), hexOrNull(bytes(row["body"]))])),
		attempts: Object.fromEntries(
			deliveries.map((row) => {
				const own = attempts.filter((each) => Buffer.compare(bytes(each["delivery_id"]), rowId(row)) === 0);
				return [idText("dlv", rowId(row)), own.map((each) => toAttempt(formerAttemptText(each)))];
			}),
		),
		dueAt: Object.fromEntries(
			due.all().map((row) => [idText("webhook", bytes(row["webhook_id"])), number(row["due_at"])]),
		),
		open: { Pending: count(0), Held: count(3) },
	};
}

/** What version 0.1 has said of an event. */
export function asAccepted({ deliveries: _deliveries, idempotencyKey: _key, ...event }: LoggedEvent): Event {
	return event;
}

/** Reads a store of today, in pages. */
export async function readLog(store: Store, projects: readonly string[]): Promise<WholeLog> {
	const events: Record<string, Event[]> = {};
	const deliveries: Record<string, Delivery[]> = {};
	const bodies: Record<string, string | null> = {};
	const attempts: Record<string, readonly Attempt[]> = {};
	for (const id of projects) {
		const scope = projectScope(id);
		events[id] = (await readPages((page) => store.events(scope, ANY_EVENT, page))).map(asAccepted);
		const logged = await readPages((page) => store.deliveries(scope, ANY_DELIVERY, page));
		deliveries[id] = logged.map(plainDelivery);
		for (const event of events[id]) bodies[event.id] = hexOrNull(await store.eventBody(scope, event.id));
		for (const delivery of logged) {
			const all = await attemptsOf({ store, scope }, delivery.id);
			attempts[delivery.id] = all;
			expect(delivery.lastAttempt).toEqual(all.length === 0 ? null : expect.objectContaining(shortOf(all.at(-1))));
		}
	}
	const due = await store.dueWebhooks(null);
	return {
		events,
		deliveries,
		bodies,
		attempts,
		dueAt: Object.fromEntries(due.map(({ webhookId, dueAt }) => [webhookId, dueAt])),
		open: await store.countOpen(),
	};
}

/** What the row of a delivery says of its last attempt. */
function shortOf(attempt: Attempt | undefined): Partial<Attempt> {
	if (attempt === undefined) return {};
	const { trigger, startDate, durationMs, responseCode, error, cause } = attempt;
	return { trigger, startDate, durationMs, responseCode, error, cause };
}

async function readPages<T extends { readonly id: string }>(
	read: (request: PageRequest) => Promise<Page<T>>,
): Promise<T[]> {
	const rows: T[] = [];
	for (let cursor: PageRequest["cursor"] = null; ;) {
		const page: Page<T> = await read({ limit: PAGE, cursor });
		rows.push(...page.rows);
		const last = page.rows.at(-1);
		if (!page.hasOlder || last === undefined) return rows;
		cursor = { direction: "older", id: last.id };
	}
}

function hexOrNull(body: Uint8Array | null): string | null {
	return body === null || body.length === 0 ? null : Buffer.from(body).toString("hex");
}
