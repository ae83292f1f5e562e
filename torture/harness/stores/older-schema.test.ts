// Databases are taken back to each older schema, from which the migrations lead to the present one.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { expect, it } from "vitest";

import { openPostgres } from "../../../packages/server/src/adapters/postgres/postgres-store.ts";
import { systemClock } from "../../../packages/server/src/adapters/system/system-clock.ts";
import { columnsOf, migrationCount, undoMigrations } from "./older-schema.ts";
import { PostgresData } from "./postgres-data.ts";

it.skipIf(postgresIssue() !== null)("undoes each migration but the first", async () => {
	await using database = await PostgresData.start();
	const migrate = async () => {
		const { store } = await openPostgres({ url: database.url, clock: systemClock });
		await store.close();
	};
	await migrate();
	const present = await columnsOf(database);
	for (let version = 1; version < migrationCount(); version++) {
		await undoMigrations(database, version);
		expect(await database.query("SELECT max(id) AS id FROM migrations")).toEqual([{ id: version }]);
		expect(await columnsOf(database)).not.toBe(present);
		await migrate();
		expect(await columnsOf(database)).toBe(present);
	}
});
