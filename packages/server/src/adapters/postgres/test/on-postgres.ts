// Groups of tests on PostgreSQL: each has a database of its own, and is skipped with the reason if there is no PostgreSQL.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { afterAll, beforeAll, describe } from "vitest";

import { TestDatabase } from "./test-store.ts";

type Define = (database: TestDatabase) => void;

interface Options {
	/** Lines of postgresql.conf. With them, even if there are none, the group has a server of its own, which it may stop. */
	readonly settings?: readonly string[];
	/** Why the group is skipped although there is a PostgreSQL. */
	readonly otherIssue?: string | null;
}

/**
 * Defines a group of tests.
 *
 * @example
 * describeOnPostgres("a sweep", (database) => {
 * 	it("ends", async () => fillStore(await database.openEmpty()));
 * });
 */
export function describeOnPostgres(title: string, define: Define): void;
export function describeOnPostgres(title: string, options: Options, define: Define): void;
export function describeOnPostgres(title: string, options: Options | Define, define: Define = () => {}): void {
	if (typeof options === "function") {
		describeOnPostgres(title, {}, options);
		return;
	}
	const issue = postgresIssue() ?? options.otherIssue ?? null;
	describe.skipIf(issue !== null)(issue === null ? title : `${title} (${issue})`, () => {
		const database = new TestDatabase(options.settings);
		beforeAll(() => database.start());
		afterAll(() => database[Symbol.asyncDispose]());
		define(database);
	});
}
