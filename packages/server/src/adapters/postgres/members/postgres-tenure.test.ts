// Runs the contracts of a tenure on PostgreSQL, and shows what is special about it.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { SHARDS } from "../../../core/cluster/shard.ts";
import { sharedTenureContract } from "../../../ports/contract/shared-tenure.contract.ts";
import { tenureContract } from "../../../ports/contract/tenure.contract.ts";
import { TestMembers, type TestMember } from "../test/test-member.ts";
import { TestDatabase } from "../test/test-store.ts";

const WEBHOOK_ID = "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7";
const WAIT = { interval: 20 };
const issue = postgresIssue();

describe.skipIf(issue !== null)(`members on PostgreSQL${issue === null ? "" : ` (${issue})`}`, () => {
	const members = new TestMembers();
	let database: TestDatabase;
	beforeAll(async () => {
		database = await TestDatabase.create(["max_connections = 200"]);
		await database.openEmpty();
	});
	afterAll(() => database[Symbol.asyncDispose]());
	const close = async () => {
		await members.close();
		await database.openEmpty();
	};
	afterEach(close);
	const query = (sql: string) => database.server.query(sql, database.url);

	tenureContract({ name: "PostgreSQL", open: () => Promise.resolve(members.open(database.url).tenure) });
	sharedTenureContract({
		name: "PostgreSQL",
		open: () => {
			const { tenure, clock } = members.open(database.url);
			return { tenure, freeze: () => clock.freeze(), resume: () => clock.resume() };
		},
		close,
	});

	it("knows which duties nobody has, once it is a member", async () => {
		const [api, worker] = (["api", "worker"] as const).map((role) => members.open(database.url, role));
		if (api === undefined || worker === undefined) throw new Error("two members were not opened");
		const work = { start() {}, stop: () => Promise.resolve() };
		for (const { tenure } of [api, worker]) tenure.duty("retention", work);
		expect(api.freeDuties()).toBeNull();
		await api.tenure.start();
		// Nobody who may take it is there.
		await expect.poll(() => [...(api.freeDuties() ?? [])], WAIT).toEqual([["retention", true]]);
		await worker.tenure.start();
		await expect.poll(() => [...(api.freeDuties() ?? [])], WAIT).toEqual([["retention", false]]);
	});

	it("gives shards and duties to workers, and counts those that accept sends", async () => {
		const [all, api, worker] = (["all", "api", "worker"] as const).map((role) => members.open(database.url, role));
		for (const each of [all, api, worker]) await each?.tenure.start();
		const held = () => [all, api, worker].map((each) => each?.tenure.shards()?.length);
		await expect.poll(held, WAIT).toEqual([128, 0, 128]);
		await expect.poll(() => [all, api, worker].map((each) => each?.tenure.liveMembers()), WAIT).toEqual([2, 2, 3]);
		expect([all, api, worker].map((each) => each?.deliverers())).toEqual([2, 2, 2]);
		const listed = async () =>
			(await api?.members())?.map(({ name, role, version, shards }) => [name, role, version, shards]);
		await expect.poll(listed, WAIT).toEqual([
			["member 0", "all", "1.2.3", 128],
			["member 1", "api", "1.2.3", 0],
			["member 2", "worker", "1.2.3", 128],
		]);
		expect(api?.isMember()).toBe(true);
		await api?.tenure.leave(0);
		expect(api?.isMember()).toBe(false);
		expect(await worker?.members()).toHaveLength(2);
	});

	it("is not given to a program that can't work on the schema any more", async () => {
		const [before, after] = [members.open(database.url), members.open(database.url)];
		await before.tenure.start();
		await query("INSERT INTO migrations (id, name, apply_date, works_with) VALUES (999, 'newer', 0, 999)");
		try {
			await expect(after.tenure.start()).rejects.toThrow(/newer Fanfare/);
			// One that is a member loses its tenure, and does not get another one.
			await query("DELETE FROM members");
			await expect
				.poll(() => before.problems, WAIT)
				.toEqual([
					["the tenure of this process could not be renewed", expect.objectContaining({ code: "store_unavailable" })],
				]);
			expect(before.tenure.shards()).toEqual([]);
		} finally {
			await query("DELETE FROM migrations WHERE id = 999");
		}
		await expect.poll(() => before.tenure.shards()?.length, WAIT).toBe(SHARDS);
	});

	/** By name: what the list says of each member. */
	const listedBy = async (member: TestMember) =>
		Object.fromEntries((await member.members()).map((each) => [each.name, each]));

	it("lists what each member has and does, and which one is asked", async () => {
		const member = members.open(database.url);
		const work = { start() {}, stop: () => Promise.resolve() };
		for (const duty of ["stats", "retention"] as const) member.tenure.duty(duty, work);
		const load = { readyDeliveries: 7, inFlightAttempts: 2, lagMs: 1_500 };
		member.report(() => load);
		const other = members.open(database.url, "api");
		for (const each of [member, other]) await each.tenure.start();
		expect(await other.members()).toEqual([
			{
				id: member.tenure.placeOf(WEBHOOK_ID)?.member,
				name: member.name,
				address: expect.stringMatching(/^127\.0\.0\.1$|^::1$/),
				port: 8_787,
				version: "1.2.3",
				role: "all",
				state: "live",
				isSelf: false,
				joinDate: expect.any(Number),
				seenDate: expect.any(Number),
				seenAgoMs: expect.any(Number),
				shards: SHARDS,
				duties: ["retention", "stats"],
				load,
				messages: { pollMs: 123, nats: null },
			},
			expect.objectContaining({ name: other.name, isSelf: true, shards: 0, duties: [] }),
		]);
	});

	it("lists a member that has died as lost, until it is back or ten minutes have passed", async () => {
		const [a, b] = [0, 1].map(() => members.open(database.url)) as [TestMember, TestMember];
		for (const each of [a, b]) await each.tenure.start();
		b.clock.freeze();
		await expect.poll(async () => (await listedBy(a))[b.name]?.state, WAIT).toBe("lost");
		await expect.poll(() => a.tenure.shards()?.length, WAIT).toBe(SHARDS);
		expect((await listedBy(a))[b.name]).toMatchObject({ state: "lost", shards: 0, role: "all", port: 8_787 });
		await query("UPDATE lost_members SET lost_date = lost_date - 600000");
		expect(Object.keys(await listedBy(a))).toEqual([a.name]);
		await query("UPDATE lost_members SET lost_date = lost_date + 600000");
		b.clock.resume();
		const states = async () => (await a.members()).map(({ name, state }) => [name, state]);
		const both = [a, b].map(({ name }) => [name, "live"]);
		await expect.poll(states, WAIT).toEqual(both);
		await b.tenure.leave(0);
		expect(await states()).toEqual(both.slice(0, 1));
	});

	describe("when the database's clock", () => {
		afterEach(() => database.stepClock(0));

		it.each([
			["forward", 3_600_000],
			["back", -3_600_000],
		])("steps %s, live members keep their shards, and those of a dead one move", async (_direction, ms) => {
			const [a, b, c] = [0, 1, 2].map(() => members.open(database.url));
			for (const each of [a, b, c]) await each?.tenure.start();
			const held = () => [a, b, c].map((each) => each?.tenure.shards()?.length);
			await expect.poll(held, WAIT).toEqual([86, 85, 85]);
			await database.stepClock(ms);
			const beats = async () => (await query("SELECT min(beat)::int AS beat FROM members"))[0]?.["beat"] as number;
			const before = await beats();
			// Each of them has looked at the others with the new time.
			await expect.poll(beats, WAIT).toBeGreaterThan(before + 2);
			expect(held()).toEqual([86, 85, 85]);
			expect([a, b, c].flatMap((each) => each?.notes)).toEqual([]);
			c?.clock.freeze();
			await expect.poll(held, WAIT).toEqual([128, 128, 0]);
		});
	});

	it("keeps its shards while the database is down for a moment, and takes them again after a longer time", async ({
		skip,
	}) => {
		const { cluster } = database.server;
		if (cluster === null) return skip("the database is not the test's own");
		const { tenure, notes } = members.open(database.url);
		await tenure.start();
		// On a busy machine, it may take as long as a tenure until the database has stopped.
		const stopped = cluster.stop("immediate");
		await expect.poll(() => tenure.stalled(), WAIT).toBe(true);
		expect(tenure.shards()).toHaveLength(SHARDS);
		await expect.poll(() => tenure.shards()?.length, WAIT).toBe(0);
		expect(tenure.stalled()).toBe(true);
		await stopped;
		await cluster.start();
		await expect.poll(() => tenure.shards()?.length, WAIT).toBe(SHARDS);
		expect(notes).toEqual(["this process has lost its tenure"]);
	});
});
