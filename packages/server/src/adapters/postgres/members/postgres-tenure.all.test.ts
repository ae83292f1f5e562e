// Tenures on PostgreSQL while a member dies, the database's clock steps, or the database is down.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { SHARDS } from "../../../core/cluster/shard.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { TestMembers, type TestMember } from "../test/test-member.ts";

const WAIT = { interval: 20 };

describeOnPostgres("members on PostgreSQL", { settings: [] }, (database) => {
	const members = new TestMembers();
	beforeEach(() => database.openEmpty());
	afterEach(() => members.close());

	it("lists a member that has died as lost, until it is back or ten minutes have passed", async () => {
		const [a, b] = [0, 1].map(() => members.open(database.url)) as [TestMember, TestMember];
		for (const each of [a, b]) await each.tenure.start();
		const listed = async () => Object.fromEntries((await a.members()).map((each) => [each.name, each]));
		b.clock.freeze();
		await expect.poll(async () => (await listed())[b.name]?.state, WAIT).toBe("lost");
		await expect.poll(() => a.tenure.shards()?.length, WAIT).toBe(SHARDS);
		expect((await listed())[b.name]).toMatchObject({ state: "lost", shards: 0, role: "all", port: 8_787 });
		await database.query("UPDATE lost_members SET lost_date = lost_date - 600000");
		expect(Object.keys(await listed())).toEqual([a.name]);
		await database.query("UPDATE lost_members SET lost_date = lost_date + 600000");
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
			const beats = async () =>
				(await database.query("SELECT min(beat)::int AS beat FROM members"))[0]?.["beat"] as number;
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
