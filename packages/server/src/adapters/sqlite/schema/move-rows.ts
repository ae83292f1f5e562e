// Moves the rows of the former tables to those of migrations/0010-narrow-rows.sql, before the store is used. Each step is one
// transaction that inserts new rows and deletes the former ones, so a process that is killed goes on at its next start.
import type { DatabaseSync } from "node:sqlite";

import { countOf } from "../codec/rows.ts";
import { createTransact } from "../connection.ts";
import { moveStatsJournal } from "../stats/move-stats-journal.ts";
import { endMove, isMoving } from "./move/end-move.ts";
import { LogMove } from "./move/log-move.ts";
import { createMoveKeys } from "./move/move-keys.ts";
import type { StepLimits } from "./move/step-budget.ts";

/** How far a move is. */
export interface MoveProgress {
	/** Events and deliveries that are moved. */
	readonly moved: number;
	/** All events and deliveries; null: not known yet. */
	readonly total: number | null;
}

export interface MoveOptions {
	/** The size of a step. For tests. */
	readonly limits?: StepLimits;
	/** Called before the first step and after each one. If it throws, the move ends, and the next call goes on. */
	readonly onProgress?: (progress: MoveProgress) => void;
}

/** A step takes some 100 ms, and its part of the write-ahead log some MB. */
const LIMITS: StepLimits = { rows: 4_000, bytes: 4 * 1_024 * 1_024 };

/** Does nothing if all rows are moved. */
export function moveRows(db: DatabaseSync, { limits = LIMITS, onProgress = () => {} }: MoveOptions = {}): void {
	if (!isMoving(db)) return;
	const transact = createTransact(db);
	if (hasRows(db)) withoutSync(db, () => moveAll(db, limits, onProgress));
	transact(() => {
		moveStatsJournal(db);
		endMove(db);
	});
}

function moveAll(db: DatabaseSync, limits: StepLimits, onProgress: (progress: MoveProgress) => void): void {
	const transact = createTransact(db);
	const log = new LogMove(db, limits);
	const movedBefore = countRows(db, "");
	const total = movedBefore + countRows(db, "former_") - countEarly(db);
	const report = () => onProgress({ moved: movedBefore + log.moved, total });
	const moveKeys = createMoveKeys(db, limits.rows);
	report();
	for (const step of [() => log.step(), () => log.stepEarly(), moveKeys]) {
		while (transact(step)) report();
	}
}

/** Deliveries that are moved already, and wait for their events with their former rows: those are all that are left so early. */
function countEarly(db: DatabaseSync): number {
	const select = db.prepare(`
		SELECT count(*) AS count FROM former_deliveries
		WHERE id <= (SELECT own_id FROM deliveries WHERE own_id IS NOT NULL ORDER BY own_id DESC LIMIT 1)
	`);
	return countOf(select.get());
}

function hasRows(db: DatabaseSync): boolean {
	const select = db.prepare(`
		SELECT 1 WHERE EXISTS (SELECT 1 FROM former_events) OR EXISTS (SELECT 1 FROM former_deliveries)
			OR EXISTS (SELECT 1 FROM former_idempotency_keys)
	`);
	return select.get() !== undefined;
}

function countRows(db: DatabaseSync, prefix: "" | "former_"): number {
	const select = db.prepare(
		`SELECT (SELECT count(*) FROM ${prefix}events) + (SELECT count(*) FROM ${prefix}deliveries) AS count`,
	);
	return countOf(select.get());
}

/**
 * Runs steps that don't wait for the disk: a loss of power undoes the last ones as a whole. The commit of the last step of the move
 * syncs them all. The write-ahead log may grow longer than usual, since nobody waits for a checkpoint.
 */
function withoutSync<T>(db: DatabaseSync, work: () => T): T {
	db.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000");
	try {
		return work();
	} finally {
		db.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000");
	}
}
