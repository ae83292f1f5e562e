// Copies the store of a data directory into an empty PostgreSQL database, while no server uses either of them.
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { findMasterKey } from "../../adapters/files/master-key.ts";
import { openSqliteSource } from "../../adapters/sqlite/export/sqlite-source.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { Config } from "../../config.ts";
import { parseDatabaseUrl } from "../../config/parse.ts";
import { masterKeyFingerprint } from "../../core/crypto/sealing.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { PART_NAMES, type PartName, type TransferRows } from "../../ports/store/transfer/rows.ts";
import type {
	RowCounts,
	TransferPosition,
	TransferSource,
	TransferStep,
	TransferTarget,
} from "../../ports/store/transfer/transfer.ts";
import { lockDir, restoringPath, storePath } from "../data-dir.ts";

/** How far a migration to another store is. */
export interface StoreMigrationProgress {
	readonly step: "copying" | "comparing";
	/** What is being copied, such as `deliveries`; null while all is compared. */
	readonly part: PartName | null;
	/** Rows that are copied, those of earlier runs included. */
	readonly rows: number;
	readonly totalRows: number;
}

export interface StoreMigrationOptions {
	/** Begins anew if an earlier run has not ended, instead of going on where it was. Defaults to false. */
	readonly restart?: boolean;
	/** Ends the migration. The next run goes on. */
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: StoreMigrationProgress) => void;
}

export interface StoreMigrationResult {
	/** The absolute path. */
	readonly dataDir: string;
	/** Host, port and name of the database, without user and password. */
	readonly database: string;
	readonly workspaceId: string;
	/** The number of rows of each part, the same in both stores. */
	readonly counts: RowCounts;
	/** Whether an earlier run had begun. */
	readonly hasGoneOn: boolean;
	readonly masterKeyFingerprint: string;
	/** Whether the key is there that the secrets are encrypted under: in the settings or in the data directory. */
	readonly hasMasterKey: boolean;
}

/** The data is not in the database, or not all of it. The message says what to do. */
class StoreMigrationError extends Error {
	override readonly name = "StoreMigrationError";
}

/**
 * Copies everything in a data directory into a database: with the same ids, with what waits, and with secrets sealed as they are. The
 * server must not be running. The data directory is only read. If the process ends meanwhile, the next call goes on where it was, as long
 * as nothing has written to the directory since; otherwise it begins anew. A server can use the database when this has resolved.
 *
 * Rejects if the directory is in use, has the form of another version, or has another master key than the settings; if the database has
 * other data; and if the numbers of rows differ at the end.
 *
 * @example
 * await migrateStore(readConfig(process.env), "postgres://fanfare@db.internal/fanfare");
 */
export async function migrateStore(
	config: Config,
	url: string,
	options: StoreMigrationOptions = {},
): Promise<StoreMigrationResult> {
	const database = describeDatabase(url);
	requireData(config.dataDir);
	const resources = new AsyncDisposableStack();
	try {
		lockDir(config, resources);
		const source = openSqliteSource(storePath(config.dataDir));
		resources.defer(() => source.close());
		const { workspace, masterKeyFingerprint: fingerprint } = source.head.identity;
		const hasMasterKey = checkKey(config, fingerprint);
		// Loaded here, so that a server on a directory loads no code that only databases need.
		const { openPostgresTarget } = await import("../../adapters/postgres/import/postgres-target.ts");
		const target = await openPostgresTarget({ url, clock: systemClock });
		resources.defer(() => target.close());
		const { counts, hasGoneOn } = await transfer(source, target, options);
		return {
			dataDir: resolve(config.dataDir),
			database,
			workspaceId: workspace.id,
			counts,
			hasGoneOn,
			masterKeyFingerprint: fingerprint,
			hasMasterKey,
		};
	} catch (error) {
		throw explained(error, database);
	} finally {
		await resources.disposeAsync();
	}
}

async function transfer(
	source: TransferSource,
	target: TransferTarget,
	{ restart = false, signal = new AbortController().signal, onProgress = () => {} }: StoreMigrationOptions,
): Promise<{ readonly counts: RowCounts; readonly hasGoneOn: boolean }> {
	const expected = source.count();
	const totalRows = sumOf(expected);
	signal.throwIfAborted();
	const workspaceId = source.head.identity.workspace.id;
	const start = await target.begin({ workspaceId, state: source.state, restart });
	const hasGoneOn = start.part !== PART_NAMES[0] || start.after !== null;
	let rows = hasGoneOn ? sumOf(await target.count()) : 0;
	const onStep = (part: PartName, count: number) => {
		signal.throwIfAborted();
		rows += count;
		onProgress({ step: "copying", part, rows, totalRows });
	};
	await copyAll(source, target, start, onStep);
	onProgress({ step: "comparing", part: null, rows, totalRows });
	compare(expected, await target.count());
	signal.throwIfAborted();
	await target.finish(source.head);
	return { counts: expected, hasGoneOn };
}

async function copyAll(
	source: TransferSource,
	target: TransferTarget,
	start: TransferPosition,
	onStep: (part: PartName, rows: number) => void,
): Promise<void> {
	for (let at = start; at.part !== null;) {
		const { part } = at;
		const step = source.read(part, at.after);
		const to = positionAfter(part, step);
		await target.write(part, step.rows, { from: at, to });
		onStep(part, rowsIn(step));
		at = to;
	}
}

function positionAfter(part: PartName, { next }: TransferStep<unknown>): TransferPosition {
	if (next !== null) return { part, after: next };
	return { part: PART_NAMES[PART_NAMES.indexOf(part) + 1] ?? null, after: null };
}

/** The first attempt of a delivery counts, too. */
function rowsIn({ rows }: TransferStep<TransferRows[PartName]>): number {
	return rows.reduce((count, row) => count + ("attempt" in row && row.attempt !== null ? 2 : 1), 0);
}

function sumOf(counts: RowCounts): number {
	return PART_NAMES.reduce((sum, name) => sum + counts[name], 0);
}

function compare(expected: RowCounts, found: RowCounts): void {
	const different = PART_NAMES.filter((name) => found[name] !== expected[name]).map(
		(name) => `${name}: ${expected[name]} in the data directory, ${found[name]} in the database`,
	);
	if (different.length === 0) return;
	throw new StoreMigrationError(
		`the numbers of rows differ, so no server can use the database (${different.join("; ")}). Run fanfare migrate-store with --restart; if they differ again, please report it`,
	);
}

/** The parts of a database's URL that may be shown. Throws if the URL is not that of a database. */
function describeDatabase(url: string): string {
	const parsed = parseDatabaseUrl(url) === undefined ? null : URL.parse(url);
	if (parsed === null) {
		throw new StoreMigrationError(
			"the database must be a URL such as postgres://fanfare:password@db.example:5432/fanfare, with a user, one host and a database; the one that was given is not shown, since it may have a password",
		);
	}
	return `${parsed.host}${parsed.pathname}`;
}

function requireData(dataDir: string): void {
	if (existsSync(storePath(dataDir))) return;
	const place = resolve(dataDir);
	throw new StoreMigrationError(
		existsSync(restoringPath(dataDir))
			? `a restore into ${place} has not ended: run fanfare restore again first`
			: `there is no Fanfare data in ${place}: set --data-dir or FANFARE_DATA_DIR to the server's data directory`,
	);
}

/** Whether the key of the data is there. Throws if another one is. */
function checkKey({ dataDir, masterKey }: Config, fingerprint: string): boolean {
	const known = masterKey ?? findMasterKey(dataDir, fingerprint);
	if (known === null) return false;
	const found = masterKeyFingerprint(known);
	if (found === fingerprint) return true;
	const place = masterKey === null ? `the master.key in ${resolve(dataDir)}` : "FANFARE_MASTER_KEY";
	throw new StoreMigrationError(
		`${place} (fingerprint ${found}) is not the key that the data is encrypted under (fingerprint ${fingerprint}): set FANFARE_MASTER_KEY to that key, or unset it`,
	);
}

function explained(error: unknown, database: string): unknown {
	if (!(error instanceof StoreError)) return error;
	return new StoreMigrationError(`nothing was migrated, or not all of it (database ${database}): ${error.message}`, {
		cause: error,
	});
}
