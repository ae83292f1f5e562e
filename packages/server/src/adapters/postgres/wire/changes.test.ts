// What members read of the directory, also after a crash of the database, which then gives the numbers of lost transactions again.
import { postgresIssue, startPostgres } from "@fanfare/testkit/programs/postgres";
import { describe, expect, it } from "vitest";

import { systemClock } from "../../system/system-clock.ts";
import { idOf } from "../codec/ids.ts";
import { Database } from "../connection/database.ts";
import { migrate } from "../schema/migrate.ts";
import { FROM_START, readChanges } from "./changes.ts";

const PROJECT = "01a21b29-64ec-71fe-9893-9ec2c520be6b";

describe.skipIf(postgresIssue() !== null)("the changes of the directory", () => {
	it("are read, each once, and again those that may have been missed in a crash of the database", async () => {
		await using server = await startPostgres();
		const url = await server.createDatabase();
		const database = new Database({ url, clock: systemClock });
		await migrate(database, 0);
		await server.query(
			`INSERT INTO projects (id, workspace_id, name, event_type_policy, create_date, revision) VALUES ('${PROJECT}', '${PROJECT}', 'p', 0, 0, 0)`,
			url,
		);
		const first = await readChanges(database, FROM_START, null);
		expect(first.projects).toEqual([{ projectId: idOf("proj", PROJECT), version: 1 }]);
		expect((await readChanges(database, first.since, null)).projects).toEqual([]);

		const { since } = await readChanges(database, first.since, null);
		await server.query("UPDATE projects SET version = 2, version_xid = '3'", url);
		expect((await readChanges(database, since, null)).projects).toEqual([]);
		await server.query(
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fanfare'",
			url,
		);
		// The connection that was idle has ended: nobody was told.
		await expect
			.poll(() => readChanges(database, since, null).then(({ projects }) => projects, String))
			.toEqual([{ projectId: idOf("proj", PROJECT), version: 2 }]);
		await database.close();
	});
});
