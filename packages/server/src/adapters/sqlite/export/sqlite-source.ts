// A data directory's store as the source of a transfer. It is opened for reading only, and read in one snapshot. Begin here.
import { existsSync, statSync } from "node:fs";

import { StoreError } from "../../../ports/store/errors.ts";
import type { PartName, TransferRows } from "../../../ports/store/transfer/rows.ts";
import { PART_NAMES } from "../../../ports/store/transfer/rows.ts";
import type { RowCounts, TransferHead, TransferSource } from "../../../ports/store/transfer/transfer.ts";
import { number, type Row } from "../codec/rows.ts";
import { IDENTITY } from "../codec/workspace-rows.ts";
import { openReadConnection } from "../connection.ts";
import { Numbers } from "../deliveries/numbers.ts";
import { toStoreError } from "../errors.ts";
import { planUpgrade } from "../schema/upgrade-plan.ts";
import { createDeliveryIds } from "./delivery-ids.ts";
import { createLogParts } from "./log-parts.ts";
import type { PartReader } from "./part-reader.ts";
import { createRecordParts } from "./record-parts.ts";
import { createStatsParts } from "./stats-parts.ts";

/** The version of the meaning of places: a transfer that was begun with another version starts over. */
const FORM = 1;
/** Webhooks and projects that are remembered. */
const MAX_REMEMBERED = 10_000;

/**
 * Opens the store of a data directory that this process has locked. Throws a `StoreError` if it has no data yet, or the form of another
 * version.
 */
export function openSqliteSource(path: string): TransferSource {
	try {
		return openSource(path);
	} catch (error) {
		throw toStoreError(error);
	}
}

function openSource(path: string): TransferSource {
	const { schemaVersion, knownVersion, rows } = planUpgrade(path);
	if (schemaVersion < knownVersion || rows > 0) {
		throw new StoreError(
			"store_unavailable",
			`an earlier version has written this data (schema ${schemaVersion}, this program has ${knownVersion}): run fanfare migrate first, after a backup`,
		);
	}
	const state = stateOf(path);
	const db = openReadConnection(path);
	try {
		db.exec("BEGIN");
		const row = db.prepare("SELECT * FROM workspace").get();
		if (row === undefined) {
			throw new StoreError("store_unavailable", `${path} has no workspace: no server has ever started on it`);
		}
		const lead = db.prepare("SELECT ms, change_lead FROM id_lead JOIN given_numbers").get();
		const numbers = new Numbers(db, MAX_REMEMBERED);
		const ids = createDeliveryIds(db);
		const parts: { readonly [Name in PartName]: PartReader<TransferRows[Name]> } = {
			...createRecordParts(db, ids),
			...createLogParts(db, numbers, ids),
			...createStatsParts(db, numbers, ids),
		};
		return {
			head: toHead(row, lead),
			state,
			count: () => translated(() => countAll(parts)),
			read: (part, after) => translated(() => parts[part].read(after)),
			close: () => db.close(),
		};
	} catch (error) {
		db.close();
		throw error;
	}
}

function toHead(row: Row, lead: Row | undefined): TransferHead {
	return {
		identity: IDENTITY.read(row),
		version: number(row["version"]),
		idLeadMs: number(lead?.["ms"]),
		changeLead: number(lead?.["change_lead"]),
	};
}

function countAll(parts: Readonly<Record<PartName, PartReader<unknown>>>): RowCounts {
	return Object.fromEntries(PART_NAMES.map((name) => [name, parts[name].count()])) as Record<PartName, number>;
}

/** What every write to the file, or to its log, changes. */
function stateOf(path: string): string {
	const files = [path, `${path}-wal`].map((file) => {
		const { size, mtimeNs } = existsSync(file) ? statSync(file, { bigint: true }) : NO_FILE;
		return size === 0n ? "" : `${size}:${mtimeNs}`;
	});
	return [FORM, ...files].join(" ");
}

const NO_FILE = { size: 0n, mtimeNs: 0n };

function translated<T>(work: () => T): T {
	try {
		return work();
	} catch (error) {
		throw toStoreError(error);
	}
}
