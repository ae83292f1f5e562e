// The screen of the system, in a real browser. The server of these tests is alone, so its status is changed on its way where it is said to be one
// of several processes.
import type { StatusDatabase, StatusMessages, WorkspaceStatus } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { member, showStatus } from "../../../test/shown-status.ts";
import { pageSuite } from "../../../test/suite.ts";

const STANDBY = { name: "standby", state: "streaming", sync: "sync", lagMs: 3, lagBytes: 1_240 } as const;
const DATABASE: StatusDatabase = {
	reachable: true,
	version: "17.2",
	address: "10.1.4.3",
	port: 5_432,
	commitsWaitFor: "standby",
	standbys: [STANDBY],
	connections: { used: 31, allowed: 97 },
};
const ALONE: StatusDatabase = { ...DATABASE, commitsWaitFor: "disk", standbys: [] };
const UNREACHABLE: StatusDatabase = {
	reachable: false,
	version: null,
	address: null,
	port: null,
	commitsWaitFor: null,
	standbys: null,
	connections: null,
};
const STORE = { storedBytes: 3, fileBytes: 52_000_000, volumeBytes: null, freeBytes: null };
const COMMITS = { count: 10, p50Ms: 4.2, p99Ms: 19 };

const COUNTS = { deliveries: 1_204, hints: 310, looks: 40, answers: 4, beats: 9_000 };
const NATS = {
	up: true,
	server: "nats-1.example:4222",
	sent: COUNTS,
	received: { ...COUNTS, deliveries: 1_190 },
	late: 0,
	refused: 0,
	unsent: 0,
	missed: 0,
};
const withNats = (changes: Partial<typeof NATS> & { readonly server?: string } = {}): StatusMessages => ({
	pollMs: 400,
	nats: { ...NATS, ...changes },
});
const away: StatusMessages = { pollMs: 400, nats: { ...NATS, up: false, server: null, unsent: 12, missed: 3 } };
const POLLING: StatusMessages = { pollMs: 400, nats: null };

const LOST = { state: "lost", seenAgoMs: 240_000, shards: 0, inFlightAttempts: 0 } as const;
const LONG = "a-standby.with.the.long.name.of.a.machine.in.a.zone.example";

pageSuite("the system", (world) => {
	it("says what projects use of what they may, and leads to their settings", async () => {
		const { id } = await world.server.client.projects.create({ name: "Bounded" });
		await world.server.client.projects.update(id, { maxStoredBytes: 5_000_000, maxEventsPerSecond: 50 });
		const { page } = await world.open("system");
		await page.getByText("answers", { exact: true }).waitFor();
		await page.getByRole("row", { name: /Bounded 0 byte.*0% of 5 MB at most 50/ }).waitFor();
		await page.getByRole("link", { name: "Bounded" }).click();
		await page.getByRole("heading", { name: "Settings" }).waitFor();
		await expect.poll(() => page.getByLabel("Events a second").inputValue()).toBe("50");
	});

	it("of one process with a data directory shows its backlog, disk and limits, and what its operator should know", async () => {
		const { page } = await world.open("system");
		const status = page.getByRole("region", { name: "Status" });
		for (const name of ["Pending", "Held", "Oldest due", "Commits", "Free on the disk"]) {
			await status.getByText(name, { exact: true }).waitFor();
		}
		await page.getByRole("row", { name: /maxProjects \d+ / }).waitFor();
		await page.getByRole("row", { name: /maxBodyBytesInHand .* MB$/ }).waitFor();
		// The server of the tests allows http.
		const { warnings, version } = await world.server.client.getStatus();
		expect(warnings.map(({ code }) => code)).toContain("http_allowed");
		for (const { message } of warnings) await page.getByText(message).waitFor();
		await page.getByRole("region", { name: "Installation" }).getByText(version, { exact: true }).waitFor();
		expect(await page.getByRole("region", { name: /^(Database|Messages|Processes)$/ }).count()).toBe(0);
	});

	it("is said to be away, and then to be back", async () => {
		const { page } = await world.open("system");
		await page.getByText("answers", { exact: true }).waitFor();
		await page.route(/\/workspace(\/status)?$/, (route) => route.abort());
		await page.getByText("is away", { exact: true }).waitFor();
		await page.unroute(/\/workspace(\/status)?$/);
		await page.getByText("answers", { exact: true }).waitFor();
	});

	it("of several processes lists what each does, and which one answers; one that was lost is shown, and goes by itself", async () => {
		const { page } = await world.open("system");
		let members: WorkspaceStatus["members"] = [member(0, 128), member(1, 128, { role: "worker", lagMs: 42_000 })];
		await page.clock.install();
		await showStatus(page, () => ({ members }));
		const rowOf = (name: RegExp) => page.getByRole("row", { name });
		await rowOf(/^fanfare-0 10\.1\.4\.0:8787 live answers you all 0\.2\.0 2 h 128 3 none retention, stats$/).waitFor();
		await rowOf(/^fanfare-1 10\.1\.4\.1:8787 live worker 0\.2\.0 2 h 128 3 42 s none$/).waitFor();
		members = [member(0, 256), member(1, 0, LOST)];
		await page.clock.runFor(10_000);
		await rowOf(/^fanfare-1 .*lost seen 4 min ago/).waitFor();
		await page.getByText("1 process lost: others do the work.").waitFor();
		members = [member(0, 256)];
		await page.clock.runFor(10_000);
		await expect.poll(() => page.getByRole("table", { name: "Processes" }).getByRole("row").count()).toBe(2);
		members = null;
		await page.clock.runFor(10_000);
		await page.getByText("The processes of the server can't be read at the moment.").waitFor();
	});

	it("shows the database with its standbys, connections, size and commits, and the messages of each process", async () => {
		const { page } = await world.open("system");
		await showStatus(page, () => ({
			database: DATABASE,
			store: STORE,
			commits: COMMITS,
			members: [
				member(0, 128, { messages: withNats() }),
				member(1, 128, { messages: withNats({ late: 2, missed: 1 }) }),
			],
		}));
		const database = page.getByRole("region", { name: "Database" });
		for (const text of ["PostgreSQL 17.2", "10.1.4.3:5432", "a standby", "32% of 97", "52 MB", "4 ms", "p99 19 ms"]) {
			await database.getByText(text, { exact: true }).waitFor();
		}
		await database.getByRole("row", { name: "standby synchronous streaming 3 ms 1.2 kB" }).waitFor();
		const messages = page.getByRole("region", { name: "Messages" });
		await messages
			.getByRole("row", { name: /^fanfare-0 up nats-1\.example:4222 1,204 out 1,190 in .* none$/ })
			.waitFor();
		await messages.getByRole("row", { name: /^fanfare-1 .* 2 late, 1 missed$/ }).waitFor();
		// They are with the database, and nowhere else.
		expect(await page.getByRole("region", { name: "Status" }).getByText("Commits", { exact: true }).count()).toBe(0);
	});

	it("says that commits wait for the disk alone, and what its role may not see", async () => {
		const { page } = await world.open("system");
		let database = ALONE;
		await page.clock.install();
		await showStatus(page, () => ({ database, members: [member(0, 256, { messages: POLLING })] }));
		const region = page.getByRole("region", { name: "Database" });
		await region.getByText("lost with that disk").waitFor();
		await region.getByText("No standby follows the database.").waitFor();
		database = { ...DATABASE, standbys: [] };
		await page.clock.runFor(10_000);
		await region.getByText("and none follows").waitFor();
		database = {
			...DATABASE,
			standbys: [{ ...STANDBY, state: null, sync: null, lagMs: null, lagBytes: null }],
			connections: null,
		};
		await page.clock.runFor(10_000);
		await region.getByRole("row", { name: "standby unknown unknown unknown" }).waitFor();
		await region.getByText(/unless it is granted pg_read_all_stats/).waitFor();
		database = { ...DATABASE, standbys: null };
		await page.clock.runFor(10_000);
		await region.getByText("Fanfare's role may not see which standbys follow the database.").waitFor();
	});

	it("says how processes find deliveries without NATS, while it is away, and where some have it", async () => {
		const { page } = await world.open("system");
		let said: (StatusMessages | null)[] = [POLLING, POLLING];
		await page.clock.install();
		await showStatus(page, () => ({
			database: DATABASE,
			members: said.map((messages, index) => member(index, 128, { messages })),
		}));
		const region = page.getByRole("region", { name: "Messages" });
		await region.getByText("Without NATS: each process looks for the deliveries of the others every 400 ms.").waitFor();
		said = [away, POLLING, null];
		await page.clock.runFor(10_000);
		await region.getByRole("row", { name: /^fanfare-0 away polls every 400 ms .* 12 not sent, 3 missed$/ }).waitFor();
		await region.getByRole("row", { name: /^fanfare-1 off polls every 400 ms – – / }).waitFor();
		await expect.poll(() => region.getByRole("row").count()).toBe(3);
	});

	it("says that the database does not answer, and from when the status is while the server can't give it", async () => {
		const { page } = await world.open("system");
		let shown: Partial<WorkspaceStatus> = { database: DATABASE, members: [member(0, 256)] };
		await page.clock.install();
		await showStatus(page, () => shown);
		await page.getByText("PostgreSQL 17.2").waitFor();
		shown = { database: UNREACHABLE, members: null };
		await page.clock.runFor(10_000);
		await page.getByText("The database does not answer.").waitFor();
		await page.unroute(/\/workspace\/status$/);
		const message = "this process has not read what others have changed";
		await page.route(/\/workspace\/status$/, (route) =>
			route.fulfill({ status: 503, json: { error: message, code: "store_unavailable" } }),
		);
		await page.clock.runFor(10_000);
		const problem = page.getByRole("alert").filter({ hasText: "The status could not be updated" });
		await problem.getByText(/^What is shown is from \d/).waitFor();
		await page.getByText("The database does not answer.").waitFor();
		await page.unroute(/\/workspace\/status$/);
		await page.clock.runFor(10_000);
		await expect.poll(() => problem.count()).toBe(0);
	});

	it.each([
		["light", 1_280],
		["dark", 390],
	] as const)(
		"is accessible in %s colours at a width of %i, and nothing hangs over the edge",
		async (scheme, width) => {
			const { page } = await world.open("system", { scheme, size: { width, height: 900 } });
			await showStatus(page, () => ({
				database: { ...DATABASE, standbys: [STANDBY, { ...STANDBY, name: LONG, sync: "async", lagMs: 42_000 }] },
				store: STORE,
				commits: COMMITS,
				members: [
					member(0, 128, { messages: withNats({ server: `${LONG}:4222` }) }),
					member(1, 128, { messages: away, state: "leaving", name: LONG }),
					member(2, 0, { ...LOST, messages: POLLING }),
				],
			}));
			for (const name of ["Messages between processes", "Standbys", "Processes"])
				await page.getByRole("table", { name, exact: true }).waitFor();
			expect(await axeFindings(page)).toEqual([]);
			expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
		},
	);
});
