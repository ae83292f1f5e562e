// Every module that sends statements is in one of these lists, with the number of places where it makes or sends one: whoever adds one
// has to say whether it is busy, and then has to test its plan.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { BUSY } from "./test/busy-modules.ts";

const ROOT = import.meta.dirname;
/** Where a statement is made, or sent as a text. */
const PLACE = /\b(?:statement|insertInto|updateOf)\(|\b(?:session|client)\.(?:query|script|longScript)\(/g;

/** Statements of lists of the log: calls/log/plans.all.test.ts and stretches.all.test.ts have their plans. */
const LISTS: Readonly<Record<string, number>> = {
	"calls/log/count.ts": 1,
	"calls/log/deliveries/changes.ts": 2,
	"calls/log/deliveries/deliveries.ts": 1,
	"calls/log/deliveries/wanted.ts": 4,
	"calls/log/events/events.ts": 1,
	"calls/log/events/parts.ts": 1,
	"calls/log/events/sources.ts": 2,
	"calls/log/look.ts": 2,
	"calls/log/walk.ts": 1,
};

/** All others, and why no plan of theirs is tested. */
const RARE: Readonly<Record<string, readonly (readonly [module: string, places: number])[]>> = {
	"a commit has been in doubt for a day, and its rows are found by their keys": [["calls/accept/is-stored.ts", 3]],
	"somebody changes or reads the directory, whose rows are found by their keys": [
		["calls/customers/customers.ts", 7],
		["calls/directory/change.ts", 3],
		["calls/directory/event-types.ts", 10],
		["calls/directory/keys.ts", 10],
		["calls/directory/projects.ts", 6],
		["calls/directory/webhook-list.ts", 3],
		["calls/directory/webhook-reads.ts", 3],
		["calls/directory/webhook-totals.ts", 4],
		["calls/directory/webhook-versions.ts", 3],
		["calls/directory/webhooks.ts", 8],
		["calls/relays.ts", 9],
	],
	"somebody signs in, or reads the audit log or the stats": [
		["calls/access/portal-sessions.ts", 5],
		["calls/access/sessions.ts", 6],
		["calls/audit-list.ts", 3],
		["calls/audit.ts", 2],
		["calls/stats/activity.ts", 2],
		["calls/stats/buckets.ts", 3],
		["calls/stats/health.ts", 2],
		["calls/stats/owners.ts", 1],
		["calls/stats/series.ts", 1],
		["calls/stats/status-counts.ts", 2],
	],
	"a customer, a webhook or a project is deleted": [
		["calls/customers/customer-totals.ts", 1],
		["calls/customers/delete-customer.ts", 9],
		["calls/customers/erase-payloads.ts", 2],
		["calls/customers/erase-webhook.ts", 4],
		["calls/directory/revoked-keys.ts", 5],
		["calls/queue/mark-deleted.ts", 2],
		["calls/retention/purge-deleted.ts", 11],
		["calls/retention/purge-replays.ts", 3],
	],
	"a process starts, or data is brought into the database": [
		["calls/lifecycle.ts", 11],
		["deliveries/change-numbers.ts", 1],
		["connection/pools.ts", 1],
		["connection/server-requirements.ts", 2],
		["import/log-parts.ts", 1],
		["import/postgres-target.ts", 17],
		["import/record-parts.ts", 1],
		["import/unfinished.ts", 2],
		["schema/migrate.ts", 12],
		["schema/partitions.ts", 7],
	],
	"it is often, and reads tables of a few rows, or none": [
		["calls/access/session-changes.ts", 5],
		["calls/directory/versions.ts", 5],
		["connection/database.ts", 3],
		["connection/locks.ts", 5],
		["connection/database-facts.ts", 3],
		["members/member-rows.ts", 12],
		["wire/changes.ts", 4],
		["wire/live/live-rows.ts", 6],
		["wire/notes.ts", 7],
		["wire/relays/relay-rows.ts", 13],
	],
};

/** The numbers of places in each module, without tests and what only they use. */
function placesByModule(): Record<string, number> {
	const found: Record<string, number> = {};
	for (const name of readdirSync(ROOT, { recursive: true, encoding: "utf8" })) {
		const module = name.replaceAll("\\", "/");
		// It makes all others' statements.
		const isOther = module.startsWith("test/") || module === "codec/statements.ts";
		if (!module.endsWith(".ts") || module.endsWith(".test.ts") || isOther) continue;
		const places = readFileSync(join(ROOT, name), "utf8").match(PLACE)?.length ?? 0;
		if (places > 0) found[module] = places;
	}
	return found;
}

describe("the statements of this adapter", () => {
	it("are busy, and their plans are tested, or rare for a reason: a new one is put into a list", () => {
		const listed = { ...BUSY, ...LISTS, ...Object.fromEntries(Object.values(RARE).flat()) };
		expect(placesByModule()).toEqual(listed);
	});
});
