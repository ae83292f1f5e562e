// Replays: find old events by the outcome of their deliveries, and make new deliveries for them, step by step.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../core/access/audit.ts";
import { customerOf, isInScope, projectOf, type Scope } from "../../../core/access/principal.ts";
import { newDelivery } from "../../../core/delivery.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import { STORED_DELIVERY_BYTES } from "../../../core/policies/quota.ts";
import { filterOfStored, lastDateOf, newestDateOf, type Replay, type ReplayFilter } from "../../../core/replay.ts";
import { isDeliverable } from "../../../core/webhook.ts";
import type {
	NewReplay,
	ReplayCount,
	ReplayCountStep,
	ReplayRefusal,
	ReplayStep,
} from "../../../ports/store/replays.ts";
import { idBytes } from "../codec/ids.ts";
import { REPLAY, REPLAY_COLUMNS, REPLAY_STATUS_CODES } from "../codec/replay-rows.ts";
import { countOf, json, number, numberOrNull } from "../codec/rows.ts";
import { list, prepareInsert } from "../codec/statements.ts";
import { inBackground, type Transact } from "../connection.ts";
import type { DeliveryTable } from "../deliveries/delivery-table.ts";
import type { LogView } from "../deliveries/log-view.ts";
import type { StatsChanges } from "../stats/stats-changes.ts";
import type { StatsJournal } from "../stats/stats-journal.ts";
import { createWriteEntry } from "./audit.ts";
import { noProject } from "./directory/change.ts";
import { createVersionOf } from "./directory/versions.ts";
import { idRange, mapPage, readPage } from "./keyset.ts";
import { createSeqIndex, type SeqIndex } from "./log/seq-page.ts";
import { createSelectEvents, createSearch } from "./replays/search.ts";
import { createReadWebhookState } from "./webhook-state.ts";

const { Running, Finished, Cancelled } = REPLAY_STATUS_CODES;
/** Newest events looked at to find the end of a replay's range. */
const MAX_LOOKS = 2_000;

/** Prepares the calls of `ReplayStore` that write, or are part of a decision. */
export function createReplayCalls(db: DatabaseSync, table: DeliveryTable, transact: Transact, journal: StatsJournal) {
	const insert = prepareInsert(db, "replays", ["made_after", "chosen", ...REPLAY.columns]);
	const selectRunning = db.prepare(
		`SELECT ${list(REPLAY_COLUMNS)} FROM replays INDEXED BY replays_running WHERE status = 0 ORDER BY id`,
	);
	const countRunning = db.prepare(
		"SELECT count(*) AS count FROM replays INDEXED BY replays_running WHERE status = 0 AND project_id = ? AND customer_id IS ?",
	);
	const countOfProject = db.prepare(
		"SELECT count(*) AS count FROM replays INDEXED BY replays_running WHERE status = 0 AND project_id = ?",
	);
	const versionOf = createVersionOf(db);
	const writeEntry = createWriteEntry(db);
	const cancel = createCancel(db);
	const numbersOf = createNumbersOf(db, table);
	const index = createSeqIndex(db, table);

	return {
		insertReplays: (replays: readonly NewReplay[]): ReplayRefusal | null =>
			transact(() => {
				// Each is counted before the first is there, so that nothing has to be taken back.
				const more = new Map<string | null, number>();
				for (const [before, { replay, limit, projectLimit }] of replays.entries()) {
					const { customerId } = replay;
					const project = idBytes("proj", replay.projectId);
					if (versionOf(project) === null) return noProject(replay.projectId);
					const added = (more.get(customerId) ?? 0) + 1;
					const running = countOf(countRunning.get(project, customerId)) + added;
					if (running > limit) return "customer";
					if (customerId !== null && running > 1 && countOf(countOfProject.get(project)) + before + 1 > projectLimit)
						return "project";
					more.set(customerId, added);
				}
				for (const { replay, eventIds = null, entry } of replays) {
					const chosen = eventIds === null ? null : JSON.stringify(numbersOf(replay.projectId, eventIds));
					insert.run(table.sequence.last, chosen, ...REPLAY.write(replay));
					writeEntry(entry);
				}
				return null;
			}),
		stepReplay: createStepReplay(db, table, index, journal),
		cancelReplay: (replayId: string, at: number, entry: AuditEntry | null): boolean =>
			transact(() => {
				if (!cancel(idBytes("replay", replayId), at)) return false;
				writeEntry(entry);
				return true;
			}),
		runningReplays: (): Replay[] => selectRunning.all().map(REPLAY.read),
		untried: createUntried(table),
	};
}

/** Prepares the calls of `ReplayStore` that a reader can make. */
export function createReplayReads(db: DatabaseSync, view: LogView) {
	const select = db.prepare(`SELECT ${list(REPLAY_COLUMNS)} FROM replays WHERE id = ? AND project_id = ?`);
	return {
		countReplay: createCountReplay(db, view, createSeqIndex(db, view)),
		replays: createReplayPage(db),
		replay(scope: Scope, replayId: string): Replay | null {
			const row = select.get(idBytes("replay", replayId), idBytes("proj", projectOf(scope)));
			const replay = row === undefined ? null : REPLAY.read(row);
			return replay !== null && isInScope(scope, replay) ? replay : null;
		},
	};
}

/** Prepares finding the numbers of events of a project. Events that are not there have none. */
function createNumbersOf(db: DatabaseSync, { numbers }: Pick<LogView, "numbers">) {
	const select = db.prepare("SELECT seq FROM events INDEXED BY events_by_id WHERE id = ? AND project = ?");
	return (projectId: string, eventIds: readonly string[]): number[] => {
		const project = numbers.projects.find(projectId)?.number ?? null;
		return eventIds.flatMap((id) => {
			const row = select.get(idBytes("evt", id), project);
			return row === undefined ? [] : number(row["seq"]);
		});
	};
}

/** Prepares the cancelling of a Running replay. Returns whether it was Running. */
function createCancel(db: DatabaseSync): (id: Uint8Array, at: number) => boolean {
	const cancel = db.prepare(
		`UPDATE replays SET status = ${Cancelled}, chosen = NULL, update_date = ?1, end_date = ?1
		WHERE id = ?2 AND status = ${Running}`,
	);
	return (id, at) => cancel.run(at, id).changes === 1;
}

function createStepReplay(db: DatabaseSync, table: DeliveryTable, index: SeqIndex, journal: StatsJournal) {
	const select = db.prepare("SELECT * FROM replays WHERE id = ?");
	const search = createSearch(db, table, index);
	const newestIn = createNewestIn(db, index);
	const readWebhookState = createReadWebhookState(db);
	const cancel = createCancel(db);
	const moveOn = db.prepare(`
		UPDATE replays SET status = ?2, scanned_count = scanned_count + ?3, delivery_count = delivery_count + ?4,
			first_event_date = coalesce(first_event_date, ?5), last_event_date = coalesce(last_event_date, ?6),
			position_seq = coalesce(?7, position_seq), position_date = coalesce(?8, position_date),
			update_date = ?9, end_date = ?10, chosen = iif(?2 = ${Running}, chosen, NULL)
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
		const project = table.numbers.projects.find(replay.projectId);
		const webhook = table.numbers.webhooks.find(replay.webhookId);
		const state = webhook === null ? null : readWebhookState(webhook.number);
		if (project === null || webhook === null || state === null || state.deleteDate !== null) {
			cancel(id, at);
			return readReplay(id);
		}
		if (!isDeliverable(state)) return replay;
		const filter = filterOfStored(replay);
		const chosen = row["chosen"] === null ? null : json<readonly number[]>(row["chosen"]);
		const madeAfter = number(row["made_after"]);
		const found = search({
			project: project.number,
			webhook: webhook.number,
			customerId: webhook.customerId,
			filter,
			chosen,
			// It has the events of when it was made, whatever the clock says now.
			upTo: madeAfter,
			after: numberOrNull(row["position_seq"]),
			scanLimit,
			matchLimit: deliveryIds.length,
			madeAfter,
		});
		for (const [place, { seq }] of found.matches.entries()) {
			const target = { event: seq, webhook: webhook.number, project: project.number };
			table.insertOutside(deliveryIds[place] ?? "", target, newDelivery(at, null, "replay"), at);
			changes.moved(webhook.number, at, null, "Pending");
			changes.storedBytes(project.number, STORED_DELIVERY_BYTES);
		}
		table.listing.shorten();
		const isFinished = found.done;
		moveOn.run(
			id,
			isFinished ? Finished : Running,
			found.scanned,
			found.matches.length,
			found.first?.date ?? null,
			found.first === null
				? null
				: (replay.lastEventDate ??
						(chosen === null ? newestIn(project.number, webhook.customerId, { filter, upTo: madeAfter }) : null) ??
						lastDateOf(replay)),
			found.position,
			found.last?.date ?? null,
			at,
			isFinished ? at : null,
		);
		return readReplay(id);
	};

	return (request: ReplayStep): Replay | null =>
		inBackground(db, () => journal.transact((changes) => step(idBytes("replay", request.replayId), request, changes)));
}

/** Prepares the reading of the date of the newest event in the range of a filter; null if it is not among the newest few thousand there. */
function createNewestIn(db: DatabaseSync, index: SeqIndex) {
	const select = createSelectEvents(db, ["create_date"], "DESC");
	return (
		project: number,
		customerId: string | null,
		{ filter: { since, until }, upTo }: { readonly filter: ReplayFilter; readonly upTo: number },
	): number | null => {
		const { low, high } = index.rangeOf({ after: since, before: until });
		let looks = 0;
		for (const row of select({ project, customerId, after: low - 1, end: Math.min(high, upTo + 1) })) {
			const date = number(row["create_date"]);
			if (date >= since && date < until) return date;
			if (++looks === MAX_LOOKS) return null;
		}
		return null;
	};
}

function createCountReplay(db: DatabaseSync, view: LogView, index: SeqIndex) {
	const search = createSearch(db, view, index);
	const numbersOf = createNumbersOf(db, view);
	return ({ scope, webhookId, filter, eventIds = null, afterEventId, scanLimit }: ReplayCountStep): ReplayCount => {
		const project = view.numbers.projects.find(projectOf(scope));
		const webhook = view.numbers.webhooks.find(webhookId);
		const isHidden =
			webhook !== null && !isInScope(scope, { projectId: projectOf(scope), customerId: webhook.customerId });
		if (project === null || webhook === null || isHidden) return { matching: 0, newestDate: null, lastEventId: null };
		const { matches, position, done } = search({
			project: project.number,
			webhook: webhook.number,
			customerId: webhook.customerId,
			filter,
			chosen: eventIds === null ? null : numbersOf(projectOf(scope), eventIds),
			upTo: null,
			after: afterEventId === null ? null : index.positionOf(afterEventId).seq,
			scanLimit,
			matchLimit: Infinity,
			madeAfter: null,
		});
		const lastEventId = done || position === null ? null : index.eventIdAt(position);
		return { matching: matches.length, newestDate: newestDateOf(matches), lastEventId };
	};
}

function createReplayPage(db: DatabaseSync) {
	const sql = (column: string, order: string) => `
		SELECT ${list(REPLAY_COLUMNS)} FROM replays INDEXED BY replays_by_${column}
		WHERE ${column}_id = ?1 AND project_id = ?2 AND id >= ?3 AND id < ?4 AND (?6 IS NULL OR customer_id = ?6)
		ORDER BY id ${order} LIMIT ?5
	`;
	const byProject = { ASC: db.prepare(sql("project", "ASC")), DESC: db.prepare(sql("project", "DESC")) };
	const byWebhook = { ASC: db.prepare(sql("webhook", "ASC")), DESC: db.prepare(sql("webhook", "DESC")) };
	const byCustomer = { ASC: db.prepare(sql("customer", "ASC")), DESC: db.prepare(sql("customer", "DESC")) };
	const everything = idRange({ after: null, before: null });

	return (scope: Scope, webhookId: string | null, request: PageRequest): Page<Replay> => {
		const project = idBytes("proj", projectOf(scope));
		const customerId = customerOf(scope);
		const [select, leading] =
			webhookId !== null
				? [byWebhook, idBytes("webhook", webhookId)]
				: customerId !== null
					? [byCustomer, customerId]
					: [byProject, project];
		const page = readPage("replay", request, everything, ({ low, high }, order, limit) =>
			select[order].all(leading, project, low, high, limit, customerId),
		);
		return mapPage(page, REPLAY.read);
	};
}

function createUntried(table: DeliveryTable) {
	const isUntried = (deliveryId: string): boolean => {
		const state = table.load(deliveryId)?.state;
		return state?.status === "Pending" && state.attemptCount === 0;
	};
	return (deliveryIds: readonly string[]): string[] => deliveryIds.filter(isUntried);
}
