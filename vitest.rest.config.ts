// How `npm run test:rest` finds what `npm run test:all` runs beside `npm test`: files named *.all.test.ts, the API on PostgreSQL and by its
// other ways in, the sender in a thread, and properties with ten times as many cases.
import { globSync, readFileSync } from "node:fs";

import type { TestProjectInlineConfiguration } from "vitest/config";

import { postgresIssue } from "./packages/testkit/src/programs/find-postgres.ts";
import base, { ONLY_ALL, sharing } from "./vitest.config.ts";

const IN_PARTS = { histories: "simulation/histories.all.test.ts", scenarios: "benchmarks/scenarios.all.test.ts" };

/** Files with a process of their own: they use it for minutes, or count what it has. */
const ALONE = [
	"{benchmarks,simulation}/**/*.all.test.ts",
	"packages/server/src/adapters/{sqlite,postgres}/**/*-store.all.test.ts",
	"test/{packages,deploy/image}.all.test.ts",
];

/** Tests of the API that use no store. */
const WITHOUT_STORE = [
	"packages/server/src/api/documents/pieces.test.ts",
	"packages/server/src/api/page/page.test.ts",
	"packages/server/src/api/request/session-cookie.test.ts",
	"packages/server/src/api/upgrading-app.test.ts",
	"packages/server/src/api/request/body/{expected-form,json-scanner,turns}.test.ts",
	"packages/server/src/api/resources/exports/{csv,export-places}.test.ts",
	"packages/server/src/api/resources/sessions/failed-sign-ins.test.ts",
];

/** The tests of the API on a store on PostgreSQL. */
function onPostgres(): TestProjectInlineConfiguration[] {
	const issue = postgresIssue();
	if (issue !== null) {
		process.stderr.write(`The tests of the API on PostgreSQL are skipped: ${issue}\n`);
		return [];
	}
	return [
		sharing("on PostgreSQL", ["packages/server/src/api/**/*.test.ts"], [ONLY_ALL, ...WITHOUT_STORE], {
			env: { TEST_STORE: "postgres" },
		}),
	];
}

/** The tests of sends over connections to a server with the lean path. */
const OVER_LEAN_PATH = sharing(
	"over the lean path",
	[
		"packages/server/src/api/resources/events/*.test.ts",
		"packages/server/src/api/request/{body/bodies,cross-origin,hidden-payloads,outdated,problem,routing}.test.ts",
		"packages/server/src/api/resources/projects/quotas.test.ts",
	],
	[],
	{ env: { TEST_SENDS: "lean" } },
);

/** Those in which the way of a request matters, with a thread that accepts the requests. */
const IN_ACCEPTOR_THREAD = sharing(
	"in an acceptor thread",
	[
		"packages/server/src/api/resources/events/{events,routing}.test.ts",
		"packages/server/src/api/request/{body/bodies,hidden-payloads,outdated,problem,routing}.test.ts",
		"packages/server/src/api/request/{lean/lean-path.all,lean/lean-relays,pace/answer-pace}.test.ts",
	],
	[],
	{ env: { TEST_SENDS: "thread" } },
);

/** The tests of the sender with attempts in a thread. Those that move the time are skipped there. */
const IN_SENDER_THREAD = sharing(
	"in a sender thread",
	[
		"packages/server/src/adapters/http/{attempt-facts,connection,connector,customers,kept-connection,openings,origin-pools}.test.ts",
		"packages/server/src/adapters/http/{http-sender*,ports,proxy,stray-bytes}.test.ts",
	],
	[],
	{ setupFiles: ["test/setup/property-seed.ts", "test/setup/in-sender-thread.ts"], env: { TEST_SENDER: "thread" } },
);

/** Test files whose number of cases comes from `runs`. */
function withProperties(): string[] {
	const files = globSync("{packages/*/{src,test},simulation}/**/*.test.ts");
	return files.filter((path) => readFileSync(path, "utf8").includes("@fanfare/testkit/runs"));
}

const LONG_PROPERTIES = sharing("long properties", withProperties(), [ONLY_ALL], { env: { TEST_RUNS: "10" } });

/** A file that takes longer than a slice of the run may, divided: each part gets its number in TEST_PART. */
function inParts(name: string, file: string, count: number): TestProjectInlineConfiguration[] {
	return Array.from({ length: count }, (_, index) =>
		sharing(`${name}, part ${index + 1}`, [file], [], { env: { TEST_PART: `${index + 1}/${count}` } }),
	);
}

// vitest loads a configuration from its default export.
// oxlint-disable-next-line import/no-default-export
export default {
	...base,
	test: {
		...base.test,
		projects: [
			{ extends: true, test: { name: "alone", include: ALONE, exclude: Object.values(IN_PARTS) } },
			sharing("programs", [ONLY_ALL], [...ALONE, ...Object.values(IN_PARTS)]),
			OVER_LEAN_PATH,
			IN_ACCEPTOR_THREAD,
			IN_SENDER_THREAD,
			LONG_PROPERTIES,
			...inParts("histories", IN_PARTS.histories, 10),
			...inParts("scenarios", IN_PARTS.scenarios, 3),
			...onPostgres(),
		],
	},
};
