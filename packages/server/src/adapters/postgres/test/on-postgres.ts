// Groups of tests on PostgreSQL: each has a database of its own, and is skipped with the reason if there is no PostgreSQL.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { afterAll, beforeAll, describe } from "vitest";

import { TestDatabase } from "./test-store.ts";

/**
 * Defines a group of tests.
 *
 * @param settings lines of postgresql.conf; with them, even if there are none, the group has a server of its own, which it may stop
 * @param otherIssue why it is skipped although there is a PostgreSQL
 * @example
 * describeOnPostgres("a sweep", (database) => {
 * 	it("ends", async () => fillStore(await database.openEmpty()));
 * });
 */
export function describeOnPostgres(
	title: string,
	define: (database: TestDatabase) => void,
	{
		settings = null,
		otherIssue = null,
	}: { readonly settings?: readonly string[] | null; readonly otherIssue?: string | null } = {},
): void {
	const issue = postgresIssue() ?? otherIssue;
	describe.skipIf(issue !== null)(issue === null ? title : `${title} (${issue})`, () => {
		const database = new TestDatabase(settings);
		beforeAll(() => database.start());
		afterAll(() => database[Symbol.asyncDispose]());
		define(database);
	});
}
