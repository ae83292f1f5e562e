// Every column of the schema is written and read: a column that a migration adds is not forgotten in the lists of this folder.
import { expect, it } from "vitest";

import { HEALTH } from "../stats/health-table.ts";
import { openMemory } from "../test/plans.ts";
import { SESSION, SIGN_IN_LINK } from "./access/session-rows.ts";
import { AUDIT_ENTRY } from "./audit-rows.ts";
import { CUSTOMER, PORTAL_SESSION } from "./customer-rows.ts";
import { DELIVERY_COLUMNS } from "./delivery-rows.ts";
import { EVENT_COLUMNS } from "./event-rows.ts";
import { EVENT_TYPE } from "./event-type-rows.ts";
import { KEY, REVOKED_KEY } from "./key-rows.ts";
import { RELAY } from "./relays/relay-rows.ts";
import { REPLAY } from "./replay-rows.ts";
import { SECRET, WEBHOOK_ROW } from "./webhook-rows.ts";
import { IDENTITY, PROJECT } from "./workspace-rows.ts";

it.each([
	// The second list has the columns that are written by calls of their own.
	["audit_entries", AUDIT_ENTRY.columns, []],
	["customers", CUSTOMER.columns, []],
	["deliveries", DELIVERY_COLUMNS, ["attempt", "cause", "change", "due_at", "listed", "outside", "type"]],
	["event_types", EVENT_TYPE.columns, ["seq"]],
	["events", EVENT_COLUMNS, ["seq", "body", "details"]],
	["keys", KEY.columns, []],
	["portal_sessions", PORTAL_SESSION.columns, []],
	["projects", PROJECT.columns, ["delete_date", "number", "version", "webhook_bytes", "webhook_count"]],
	["relays", RELAY.columns, []],
	["revoked_keys", REVOKED_KEY.columns, []],
	["replays", REPLAY.columns, ["chosen", "made_after", "position_date", "position_seq"]],
	["sessions", SESSION.columns, []],
	["sign_in_links", SIGN_IN_LINK.columns, []],
	["webhook_secrets", SECRET.columns, ["webhook_id"]],
	["webhook_health", HEALTH.columns, ["next_date", "webhook"]],
	["webhooks", WEBHOOK_ROW.columns, ["erased", "number"]],
	["workspace", IDENTITY.columns, ["one", "version"]],
])("lists every column of %s", (table, columns, others) => {
	using db = openMemory();
	const inTable = db.prepare("SELECT name FROM pragma_table_info(?)").all(table);
	expect([...columns, ...others].toSorted()).toEqual(inTable.map(({ name }) => String(name)).toSorted());
});
