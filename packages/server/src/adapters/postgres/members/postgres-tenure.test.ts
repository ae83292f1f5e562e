// Runs the contracts of a tenure on PostgreSQL, and shows what is special about it. postgres-tenure.all.test.ts has what takes a tenure.
import { afterEach, beforeAll, expect, it } from "vitest";

import { SHARDS } from "../../../core/cluster/shard.ts";
import { sharedTenureContract } from "../../../ports/contract/shared-tenure.contract.ts";
import { tenureContract } from "../../../ports/contract/tenure.contract.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { TestMembers } from "../test/test-member.ts";

const WEBHOOK_ID = "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7";
const WAIT = { interval: 20 };

describeOnPostgres("members on PostgreSQL", (database) => {
	const members = new TestMembers();
	beforeAll(async () => {
		await database.openEmpty();
	});
	const close = async () => {
		await members.close();
		await database.openEmpty();
	};
	afterEach(close);

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
		await database.query("INSERT INTO migrations (id, name, apply_date, works_with) VALUES (999, 'newer', 0, 999)");
		try {
			await expect(after.tenure.start()).rejects.toThrow(/newer Fanfare/);
			// One that is a member loses its tenure, and does not get another one.
			await database.query("DELETE FROM members");
			await expect
				.poll(() => before.problems, WAIT)
				.toEqual([
					["the tenure of this process could not be renewed", expect.objectContaining({ code: "store_unavailable" })],
				]);
			expect(before.tenure.shards()).toEqual([]);
		} finally {
			await database.query("DELETE FROM migrations WHERE id = 999");
		}
		await expect.poll(() => before.tenure.shards()?.length, WAIT).toBe(SHARDS);
	});

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
});
