// Every column of the schema is written and read: a column that a migration adds is not forgotten in the lists of this folder.
import { DatabaseSync } from "node:sqlite";

import { expect, it } from "vitest";

import { migrate } from "../schema/migrate.ts";
import { ATTEMPT_COLUMNS } from "./attempt-rows.ts";
import { AUDIT_ENTRY } from "./audit-rows.ts";
import { IDENTITY_COLUMNS, WRITTEN_STATE_COLUMNS } from "./delivery-rows.ts";
import { EVENT_COLUMNS } from "./event-rows.ts";
import { EVENT_TYPE } from "./event-type-rows.ts";
import { KEY } from "./key-rows.ts";
import { REPLAY } from "./replay-rows.ts";
import { SECRET, WEBHOOK_ROW } from "./webhook-rows.ts";
import { IDENTITY, PROJECT } from "./workspace-rows.ts";

it.each([
	// The second list has the columns that are written by calls of their own.
	["attempts", ATTEMPT_COLUMNS, ["delivery_id", "number"]],
	["audit_entries", AUDIT_ENTRY.columns, []],
	["deliveries", [...IDENTITY_COLUMNS, ...WRITTEN_STATE_COLUMNS], []],
	["event_types", EVENT_TYPE.columns, ["seq"]],
	["events", EVENT_COLUMNS, ["seq", "body"]],
	["keys", KEY.columns, []],
	["projects", PROJECT.columns, ["delete_date", "version"]],
	["replays", REPLAY.columns, ["position"]],
	["webhook_secrets", SECRET.columns, ["webhook_id"]],
	["webhooks", WEBHOOK_ROW.columns, []],
	["workspace", IDENTITY.columns, ["one", "version"]],
])("lists every column of %s", (table, columns, others) => {
	using db = new DatabaseSync(":memory:");
	migrate(db, 0);
	const inTable = db.prepare("SELECT name FROM pragma_table_info(?)").all(table);
	expect([...columns, ...others].toSorted()).toEqual(inTable.map(({ name }) => String(name)).toSorted());
});
