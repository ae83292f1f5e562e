// Replays: find old events by the outcome of their deliveries, and make new deliveries for them, step by step.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../core/access/audit.ts";
import { wholeProject, type Scope } from "../../../core/access/principal.ts";
import { newDelivery, type DeliveryStatus } from "../../../core/delivery.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import {
	createReplayMatcher,
	replayOutcome,
	type Replay,
	type ReplayFilter,
	type ReplayMatcher,
} from "../../../core/replay.ts";
import { isDeliverable } from "../../../core/webhook.ts";
import type { ReplayCount, ReplayCountStep, ReplayStep, ReplayStore } from "../../../ports/store/replays.ts";
import { STATUSES } from "../codec/delivery-rows.ts";
import { firstIdAt, idBytes, idHex, idText, idTime, justAfter } from "../codec/ids.ts";
import { REPLAY, REPLAY_STATUS_CODES } from "../codec/replay-rows.ts";
import { bytesOrNull, countOf, nameOf, rowId, text, type Row } from "../codec/rows.ts";
import { prepareInsert } from "../codec/statements.ts";
import { inBackground, type Transact } from "../connection.ts";
import type { StatsChanges } from "../stats/stats-changes.ts";
import type { StatsJournal } from "../stats/stats-journal.ts";
import { createWriteEntry } from "./audit.ts";
import { createInsertDelivery, createReadWebhookState } from "./delivery-statements.ts";
import { idRange, mapPage, readPage } from "./keyset.ts";

const { Running, Finished, Cancelled } = REPLAY_STATUS_CODES;
type InsertOptions = Parameters<ReplayStore["insertReplay"]>[1];

/** Prepares the calls of `ReplayStore`. */
export function createReplayCalls(db: DatabaseSync, transact: Transact, journal: StatsJournal) {
	const insert = prepareInsert(db, "replays", REPLAY.columns);
	const selectRunning = db.prepare("SELECT * FROM replays INDEXED BY replays_running WHERE status = 0 ORDER BY id");
	const select = db.prepare("SELECT * FROM replays WHERE id = ? AND project_id = ?");
	const countRunning = db.prepare(
		"SELECT count(*) AS count FROM replays INDEXED BY replays_running WHERE status = 0 AND project_id = ?",
	);
	const writeEntry = createWriteEntry(db);
	const cancel = createCancel(db);

	return {
		insertReplay: (replay: Replay, { limit, entry }: InsertOptions): boolean =>
			transact(() => {
				if (countOf(countRunning.get(idBytes("proj", replay.projectId))) >= limit) return false;
				insert.run(...REPLAY.write(replay));
				writeEntry(entry);
				return true;
			}),
		stepReplay: createStepReplay(db, journal),
		cancelReplay: (replayId: string, at: number, entry: AuditEntry | null): boolean =>
			transact(() => {
				if (!cancel(idBytes("replay", replayId), at)) return false;
				writeEntry(entry);
				return true;
			}),
		countReplay: createCountReplay(db),
		runningReplays: (): Replay[] => selectRunning.all().map(REPLAY.read),
		replays: createReplayPage(db),
		replay(scope: Scope, replayId: string): Replay | null {
			const row = select.get(idBytes("replay", replayId), idBytes("proj", wholeProject(scope)));
			return row === undefined ? null : REPLAY.read(row);
		},
		untried: createUntried(db),
	};
}

/** Prepares the cancelling of a Running replay. Returns whether it was Running. */
function createCancel(db: DatabaseSync): (id: Uint8Array, at: number) => boolean {
	const cancel = db.prepare(
		`UPDATE replays SET status = ${Cancelled}, update_date = ?1, end_date = ?1 WHERE id = ?2 AND status = ${Running}`,
	);
	return (id, at) => cancel.run(at, id).changes === 1;
}

function createStepReplay(db: DatabaseSync, journal: StatsJournal) {
	const select = db.prepare("SELECT * FROM replays WHERE id = ?");
	const search = createSearch(db);
	const newestIn = createNewestIn(db);
	const insertDelivery = createInsertDelivery(db);
	const readWebhookState = createReadWebhookState(db);
	const cancel = createCancel(db);
	const moveOn = db.prepare(`
		UPDATE replays SET status = ?2, scanned_count = scanned_count + ?3, delivery_count = delivery_count + ?4,
			first_event_date = coalesce(first_event_date, ?5), last_event_date = coalesce(last_event_date, ?6),
			position = coalesce(?7, position), update_date = ?8, end_date = ?9
		WHERE id = ?1
	`);

	const readReplay = (id: Uint8Array): Replay | null => {
		const row = select.get(id);
		return row === undefined ? null : REPLAY.read(row);
	};

	const step = (id: Uint8Array, { at, scanLimit, deliveryIds }: ReplayStep, changes: StatsChanges) => {
		const row = select.get(id);
		const replay = row === undefined ? null : REPLAY.read(row);
		if (row === undefined || replay?.status !== "Running") return null;
		const { projectId, webhookId, filter } = replay;
		const webhook = readWebhookState(idBytes("webhook", webhookId));
		if (webhook === null || webhook.deleteDate !== null) {
			cancel(id, at);
			return readReplay(id);
		}
		if (!isDeliverable(webhook)) return replay;
		// The horizon of this store is the time of the step.
		const found = search({
			projectId,
			webhookId,
			filter: { ...filter, until: Math.min(filter.until, at + 1) },
			after: bytesOrNull(row["position"]),
			scanLimit,
			matchLimit: deliveryIds.length,
			replayId: id,
		});
		for (const [index, { id: eventId, type }] of found.matches.entries()) {
			const delivery = { id: deliveryIds[index] ?? "", webhookId, state: newDelivery(at, null, "replay") };
			insertDelivery(idBytes("proj", projectId), eventId, { type, createDate: at }, delivery);
			changes.moved(idHex("webhook", webhookId), at, null, "Pending");
		}
		const isFinished = found.done && at >= filter.until - 1;
		moveOn.run(
			id,
			isFinished ? Finished : Running,
			found.scanned,
			found.matches.length,
			found.first === null ? null : idTime(found.first),
			replay.lastEventDate ?? newestIn(projectId, filter),
			found.last,
			at,
			isFinished ? at : null,
		);
		return readReplay(id);
	};

	return (request: ReplayStep): Replay | null =>
		inBackground(db, () => journal.transact((changes) => step(idBytes("replay", request.replayId), request, changes)));
}

/** Prepares the reading of the date of the newest event in the range of a filter. */
function createNewestIn(db: DatabaseSync): (projectId: string, filter: ReplayFilter) => number | null {
	const select = db.prepare(
		"SELECT id FROM events WHERE project_id = ? AND id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
	);
	return (projectId, { since, until }) => {
		const row = select.get(idBytes("proj", projectId), firstIdAt(since), firstIdAt(until));
		return row === undefined ? null : idTime(rowId(row));
	};
}

interface Search {
	readonly projectId: string;
	readonly webhookId: string;
	readonly filter: ReplayFilter;
	readonly after: Uint8Array | null;
	readonly scanLimit: number;
	readonly matchLimit: number;
	/** Events that have a delivery newer than this replay are skipped; null skips none. */
	readonly replayId: Uint8Array | null;
}

interface Found {
	readonly matches: readonly { readonly id: Uint8Array; readonly type: string }[];
	readonly scanned: number;
	/** The first and the last event that were scanned. */
	readonly first: Uint8Array | null;
	readonly last: Uint8Array | null;
	/** Whether all events of the range are scanned. */
	readonly done: boolean;
}

/** Scans events one after the other, in 3 µs each. One statement for events and another for their deliveries took 5 µs. */
function createSearch(db: DatabaseSync): (search: Search) => Found {
	const select = db.prepare(`
		SELECT e.seq, e.id, e.type, length(e.body) AS count, d.id AS delivery_id, d.status
		FROM events e LEFT JOIN deliveries d INDEXED BY deliveries_by_event ON d.event_id = e.id AND d.webhook_id = ?
		WHERE e.project_id = ? AND e.id >= ? AND e.id < ? ORDER BY e.id, d.id DESC
	`);

	return ({ projectId, webhookId, filter, after, scanLimit, matchLimit, replayId }) => {
		const matcher = createReplayMatcher(filter);
		const low = after === null ? firstIdAt(filter.since) : justAfter(after);
		const scope = [idBytes("webhook", webhookId), idBytes("proj", projectId), low, firstIdAt(filter.until)] as const;
		const matches: ScannedEvent[] = [];
		let scanned = 0;
		let first: Uint8Array | null = null;
		let last: Uint8Array | null = null;
		for (const event of scannedEvents(select.iterate(...scope))) {
			const isMatch = wants(matcher, event, replayId);
			if (scanned === scanLimit || (isMatch && matches.length === matchLimit)) {
				return { matches, scanned, first, last, done: false };
			}
			if (isMatch) matches.push(event);
			scanned++;
			first ??= event.id;
			last = event.id;
		}
		return { matches, scanned, first, last, done: true };
	};
}

interface ScannedEvent {
	readonly id: Uint8Array;
	readonly type: string;
	readonly isErased: boolean;
	/** The deliveries to the webhook, newest first. */
	readonly deliveries: { readonly id: Uint8Array; readonly status: DeliveryStatus }[];
}

/** Groups consecutive rows by their event. */
function* scannedEvents(rows: Iterable<Row>): Generator<ScannedEvent> {
	let seq: unknown = null;
	let event: ScannedEvent | null = null;
	for (const row of rows) {
		if (event === null || row["seq"] !== seq) {
			if (event !== null) yield event;
			seq = row["seq"];
			event = { id: rowId(row), type: text(row["type"]), isErased: countOf(row) === 0, deliveries: [] };
		}
		const id = bytesOrNull(row["delivery_id"]);
		if (id !== null) event.deliveries.push({ id, status: nameOf(STATUSES, row["status"]) });
	}
	if (event !== null) yield event;
}

function wants(
	matcher: ReplayMatcher,
	{ type, isErased, deliveries }: ScannedEvent,
	replayId: Uint8Array | null,
): boolean {
	// An erased payload can't be sent.
	if (isErased) return false;
	const [newest] = deliveries;
	if (replayId !== null && newest !== undefined && Buffer.compare(newest.id, replayId) > 0) return false;
	const outcome = replayOutcome(deliveries.map(({ status }) => status));
	return outcome !== null && matcher.wants(type, outcome);
}

function createCountReplay(db: DatabaseSync) {
	const search = createSearch(db);
	return ({ scope, webhookId, filter, afterEventId, scanLimit }: ReplayCountStep): ReplayCount => {
		const projectId = wholeProject(scope);
		const after = afterEventId === null ? null : idBytes("evt", afterEventId);
		const { matches, last, done } = search({
			projectId,
			webhookId,
			filter,
			after,
			scanLimit,
			matchLimit: Infinity,
			replayId: null,
		});
		return { matching: matches.length, lastEventId: done || last === null ? null : idText("evt", last) };
	};
}

function createReplayPage(db: DatabaseSync) {
	const sql = (column: string, order: string) => `
		SELECT * FROM replays INDEXED BY replays_by_${column}
		WHERE ${column}_id = ? AND project_id = ? AND id >= ? AND id < ? ORDER BY id ${order} LIMIT ?
	`;
	const byProject = { ASC: db.prepare(sql("project", "ASC")), DESC: db.prepare(sql("project", "DESC")) };
	const byWebhook = { ASC: db.prepare(sql("webhook", "ASC")), DESC: db.prepare(sql("webhook", "DESC")) };
	const everything = idRange({ after: null, before: null });

	return (scope: Scope, webhookId: string | null, request: PageRequest): Page<Replay> => {
		const project = idBytes("proj", wholeProject(scope));
		const [select, leading] = webhookId === null ? [byProject, project] : [byWebhook, idBytes("webhook", webhookId)];
		const page = readPage("replay", request, everything, ({ low, high }, order, limit) =>
			select[order].all(leading, project, low, high, limit),
		);
		return mapPage(page, REPLAY.read);
	};
}

function createUntried(db: DatabaseSync) {
	const select = db.prepare("SELECT 1 FROM deliveries WHERE id = ? AND due_at IS NOT NULL AND attempt_count = 0");
	return (deliveryIds: readonly string[]): string[] =>
		deliveryIds.filter((id) => select.get(idBytes("dlv", id)) !== undefined);
}
