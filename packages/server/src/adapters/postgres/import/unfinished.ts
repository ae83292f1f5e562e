// The table of a transfer that has not ended: whose it is, and how far it is. While it is there, no server opens the store.
import { StoreError } from "../../../ports/store/errors.ts";
import { PART_NAMES } from "../../../ports/store/transfer/rows.ts";
import type { TransferPosition } from "../../../ports/store/transfer/transfer.ts";
import { idOf } from "../codec/ids.ts";
import { boolean, text, textOrNull } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import type { Session } from "../connection/session.ts";

const IS_THERE = statement("SELECT to_regclass('unfinished_transfer') IS NOT NULL AS is_there");
export const CREATE = `
	CREATE TABLE unfinished_transfer (
		one smallint PRIMARY KEY CHECK (one = 1),
		workspace_id uuid NOT NULL,
		state text NOT NULL, -- of the source
		part text, -- null: the rows of all parts are written
		after text
	)
`;
export const DROP = "DROP TABLE unfinished_transfer";

/** A transfer that has begun. */
export interface Unfinished extends TransferPosition {
	readonly workspaceId: string;
	readonly state: string;
}

/** The transfer that has begun and not ended; null if there is none. */
export async function readUnfinished(session: Session): Promise<Unfinished | null> {
	if (!(await hasUnfinished(session))) return null;
	const [row] = await session.query("SELECT * FROM unfinished_transfer");
	if (row === undefined) return null;
	return {
		workspaceId: idOf("ws", text(row["workspace_id"])),
		state: text(row["state"]),
		// The part is compared with the state, which says what parts there are.
		part: PART_NAMES.find((name) => name === row["part"]) ?? null,
		after: textOrNull(row["after"]),
	};
}

async function hasUnfinished(session: Session): Promise<boolean> {
	const [row] = await session.run(IS_THERE);
	return boolean(row?.["is_there"]);
}

/** For the opening of a store. Throws a `StoreError` if a transfer into it has not ended. */
export async function requireNoTransfer(database: Database): Promise<void> {
	if (!(await database.read(hasUnfinished))) return;
	throw new StoreError(
		"store_unavailable",
		"a migration of an embedded store into this database has not ended: run fanfare migrate-store again, which goes on where it was, or use an empty database",
	);
}
