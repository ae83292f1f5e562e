// A database with the rules of a language and another time zone: names are in the order of their bytes, and days are those of UTC.
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { systemClock } from "../../system/system-clock.ts";
import { openPostgres } from "../postgres-store.ts";
import { partitionName } from "./partitions.ts";

const DAY_MS = 86_400_000;
/** Turkish has other capitals of i, and no language sorts capitals before small letters. */
const NAMES = ["I.a", "Z.a", "a.Z", "a.b", "a_b", "i.a", "ı.a", "\u{1f600}.a"];

describe.skipIf(postgresIssue() !== null)("a database of another language", () => {
	let server: PostgresServer;
	beforeAll(async () => {
		server = await startPostgres();
	});
	afterAll(() => server[Symbol.asyncDispose]());

	it("lists names in the order of their bytes, and keeps each day of UTC in its own tables", async ({ skip }) => {
		const name = `turkish_${process.pid}`;
		const [icu] = await server.query("SELECT 1 FROM pg_collation WHERE collprovider = 'i' AND collname = 'tr-x-icu'");
		if (icu === undefined) return skip("this PostgreSQL knows no languages");
		await server.query(
			`CREATE DATABASE ${name} ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
		);
		await server.query(`ALTER DATABASE ${name} SET TimeZone = 'Asia/Kathmandu'`);
		await server.query(`ALTER DATABASE ${name} SET DateStyle = 'German'`);
		const url = new URL(server.url);
		url.pathname = name;
		const { store } = await openPostgres({ url: url.href, clock: systemClock });
		try {
			const { scope, records, projectId, webhookId } = await fillStore(store);
			for (const type of NAMES.toReversed()) {
				await store.putEventType(records.eventType(projectId, type), { expected: null, limit: 100, entry: null });
			}
			const { rows } = await store.eventTypes(scope, null, { limit: 100, cursor: null });
			const listed = rows.map((row) => row.name).filter((each) => NAMES.includes(each));
			expect(listed).toEqual(NAMES);
			const day = Math.floor(records.now / DAY_MS);
			// In Kathmandu, the next day has begun.
			records.now = (day + 1) * DAY_MS - 3_600_000;
			await store.commit({ events: [records.event(projectId, { webhookIds: [webhookId] })], updates: [] });
			const tables = await server.query("SELECT relname AS name FROM pg_class WHERE relispartition", url.href);
			expect(tables.map((row) => row["name"]).filter((table) => /^events_\d{8}$/.test(String(table)))).toEqual([
				partitionName("events", day),
			]);
		} finally {
			await store.close();
			await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
		}
	});
});
