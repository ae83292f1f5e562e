// Runs the contract of a wire on PostgreSQL, and shows what happens to those who wait for others.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { NetworkLink } from "@fanfare/testkit/world/network-link";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";

import { createIdMaker } from "../../../core/ids.ts";
import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { wireContract } from "../../../ports/contract/wire.contract.ts";
import type { Store } from "../../../ports/store/store.ts";
import type { DiscardNote } from "../../../ports/wire.ts";
import { systemChance } from "../../system/system-chance.ts";
import { TestMembers, type TestMember } from "../test/test-member.ts";
import { changeProject, TestDatabase } from "../test/test-store.ts";

const WAIT = { interval: 20 };
const issue = postgresIssue();

describe.skipIf(issue !== null)(`members on PostgreSQL${issue === null ? "" : ` (${issue})`}`, () => {
	const members = new TestMembers();
	/** They take as long for a note to one of them as they need on a busy machine. */
	const patient = new TestMembers({ tellMs: DEADLINE_MS });
	let database: TestDatabase;
	let store: Store;
	beforeAll(async () => {
		database = await TestDatabase.create();
	});
	afterAll(() => database[Symbol.asyncDispose]());
	beforeEach(async () => {
		({ store } = await fillStore(await database.openEmpty()));
	});
	afterEach(async () => {
		await members.close();
		await patient.close();
	});
	const start = (count: number) => members.start(count, database.url);
	const placeOf = async (member: TestMember) => {
		const found = (await member.members()).find(({ name }) => name === member.name);
		return { member: found?.id ?? "", epoch: 1 };
	};

	wireContract({
		name: "PostgreSQL",
		open: async (count) => {
			const opened = await patient.start(count, database.url);
			return Promise.all(opened.map(async (member) => ({ wire: member.wire, place: await placeOf(member) })));
		},
		change: () => changeProject(store),
	});

	it("makes nothing of what only a newer version says, and goes on", async () => {
		const [a, b] = await start(2);
		const noted: unknown[] = [];
		b?.wire.listen({
			handedOver() {},
			handOffsMissed() {},
			noted: (note) => noted.push(note),
			sessionsChanged() {},
		});
		const { member: id } = await placeOf(b!);
		const note = { kind: "due", webhookId: "webhook_1", at: 7 };
		const query = (sql: string) => database.server.query(sql, database.url);
		await query(`
			INSERT INTO owner_notes (member, notes, create_date) VALUES ('${id}', '${JSON.stringify([{ kind: "newer" }, note])}', cluster_now());
			INSERT INTO session_changes (kind, id, expire_date) VALUES (99, gen_random_uuid(), 5);
			INSERT INTO live_watches (member, topic) VALUES ('${id}', 'newer topic');
			INSERT INTO members (id, name, version, role, join_date, seen_date, expire_date, load)
			SELECT gen_random_uuid(), 'newer', '9.0.0', 99, now, now, now + 3000, '{}' FROM (SELECT cluster_now() AS now) AS clock
		`);
		await b?.wire.catchUp();
		expect(noted).toEqual([note]);
		expect(await query("SELECT is_done FROM owner_notes")).toEqual([{ is_done: true }]);
		// The next beats of both read of the newer member, and leave no shard to it.
		await expect.poll(async () => (await b!.members()).map(({ role }) => role), WAIT).toContain("api");
		await expect.poll(() => [a, b].map((each) => each?.tenure.shards()?.length), WAIT).toEqual([128, 128]);
		expect(b?.isMember()).toBe(true);
		expect([...(a?.problems ?? []), ...(b?.problems ?? [])]).toEqual([]);
	});

	it("looks more often while there are other members", async () => {
		const [a] = await start(1);
		const clock = a!.clock;
		await expect.poll(() => a?.isMember(), WAIT).toBe(true);
		clock.asked = [];
		await expect.poll(() => clock.asked.filter((ms) => ms === 1_000).length, WAIT).toBeGreaterThanOrEqual(2);
		const often = () => clock.asked.filter((ms) => ms === 200 || ms === 400);
		expect(often()).toEqual([]);
		await start(1);
		await expect.poll(() => often().length, WAIT).toBeGreaterThan(0);
	});

	it("tells of all sessions that have ended since the last look, however many, and of each only once", async () => {
		const [a, b] = await start(2);
		const ended: string[] = [];
		b?.wire.listen({
			handedOver() {},
			handOffsMissed() {},
			noted() {},
			sessionsChanged: (changes) => ended.push(...changes.ended),
		});
		await database.server.query(
			"INSERT INTO session_changes (kind, id, expire_date) SELECT n % 3, gen_random_uuid(), 5 FROM generate_series(1, 2500) n",
			database.url,
		);
		await a?.wire.sessionsEnded();
		expect(ended).toHaveLength(2_500);
		expect(new Set(ended).size).toBe(2_500);
		const counts = ["session_", "link_", "portal_"].map((prefix) => ended.filter((id) => id.startsWith(prefix)).length);
		expect(counts).toEqual([833, 834, 833]);
		await b?.wire.catchUp();
		expect(ended).toHaveLength(2_500);
	});

	it("publishes facts to those who watch their topic, in order, and tells them if there were too many", async () => {
		const [a, b, c] = await start(3);
		const heard: Record<string, unknown[]> = { b: [], c: [] };
		for (const [name, member] of [
			["b", b],
			["c", c],
		] as const) {
			member?.wire.live.listen({
				published: (topic, { date }) => heard[name]?.push([topic, date]),
				missed: (topic) => heard[name]?.push([topic, "missed"]),
			});
		}
		await Promise.all([b?.wire.live.watch("one"), c?.wire.live.watch("other")]);
		expect(a?.wire.live.watchedElsewhere).toEqual(new Set(["one", "other"]));
		const fact = { kind: "webhook.updated", webhookId: "webhook_1", status: "Paused", reason: null } as const;
		const publish = (topic: string, date: number) =>
			a?.wire.live.publish(topic, { customerId: null, customers: null, date, fact });
		publish("other", 7);
		for (let n = 0; n < 2_500; n++) publish("one", n);
		await expect.poll(() => heard["b"]?.at(-1), WAIT).toEqual(["one", "missed"]);
		expect(heard["b"]?.slice(0, -1)).toEqual(Array.from({ length: 1_999 }, (_, n) => ["one", n]));
		await expect.poll(() => heard["c"], WAIT).toEqual([["other", 7]]);
		publish("one", 9_999);
		await expect.poll(() => heard["b"]?.at(-1), WAIT).toEqual(["one", 9_999]);
		b?.wire.live.unwatch("one");
		await expect.poll(() => a?.wire.live.watchedElsewhere, WAIT).toEqual(new Set(["other"]));
	});

	it("makes one read for all who want to catch up at the same time", async () => {
		const [a] = await start(1);
		const all = Array.from({ length: 100 }, () => a?.wire.catchUp());
		expect(new Set(all).size).toBe(1);
		await all[0];
		const next = a?.wire.catchUp();
		expect(next).not.toBe(all[0]);
		await next;
	});

	it("asks once for all who wait at the same time for others to have read their changes", async () => {
		const [a, b] = await start(2);
		const reads: unknown[] = [];
		b?.wire.follow((...read) => {
			reads.push(read);
			return Promise.resolve();
		});
		const taken = async () => {
			const [row] = await database.server.query("SELECT last_value FROM directory_changes", database.url);
			return Number(row?.["last_value"]);
		};
		const { projectId, version } = await changeProject(store);
		const before = await taken();
		await Promise.all(Array.from({ length: 500 }, () => a!.wire.changed(projectId, version)));
		expect(reads).toEqual([[projectId, version]]);
		// The first one begins at once, and all others come while it is under way.
		expect((await taken()) - before).toBe(2);
	});

	it("resolves a change when those that have not read it have lost their tenure", async () => {
		const [a, b] = await start(2);
		b?.wire.follow(() => Promise.reject(new Error("on purpose")));
		const { projectId, version } = await changeProject(store);
		let confirmed = false;
		const changing = a?.wire.changed(projectId, version).then(() => (confirmed = true));
		await expect.poll(() => b?.problems.length, WAIT).toBe(1);
		expect(confirmed).toBe(false);
		b?.clock.freeze();
		await changing;
		expect(b?.isMember()).toBe(false);
	});

	it("resolves a change beside a member that can't read it only when that one answers no calls and begins no attempts", async () => {
		const [a, b] = (await start(2)) as [TestMember, TestMember];
		/** For each time that it was resumed: whether it knew all changes. */
		const resumes: boolean[] = [];
		b.tenure.attach({
			gained: () => Promise.resolve(),
			lost() {},
			resumed: () => void resumes.push(b.isMember()),
			inFlightOf: () => 0,
		});
		let isBroken = true;
		b.wire.follow(() => (isBroken ? Promise.reject(new Error("on purpose")) : Promise.resolve()));
		expect(b.isMember()).toBe(true);
		const { projectId, version } = await changeProject(store);
		await a.wire.changed(projectId, version);
		expect(b.isMember()).toBe(false);
		expect(b.tenure.shards()).toHaveLength(128);
		// On a busy machine, a beat comes late now and then. Its process is stalled for that moment, and is resumed after it.
		const states = () => [a.isMember(), a.tenure.stalled(), b.tenure.stalled()];
		await expect.poll(states, WAIT).toEqual([true, false, true]);
		const before = resumes.length;
		isBroken = false;
		await expect.poll(() => [b.isMember(), b.tenure.stalled()], WAIT).toEqual([true, false]);
		expect(resumes.slice(before)).toEqual([true]);
		expect(resumes).not.toContain(false);
	});

	it("begins attempts again when nobody else is left, also if it can't read changes", async () => {
		const [a, b] = await start(2);
		let resumedCount = 0;
		b?.tenure.attach({
			gained: () => Promise.resolve(),
			lost() {},
			resumed: () => void resumedCount++,
			inFlightOf: () => 0,
		});
		b?.wire.follow(() => Promise.reject(new Error("on purpose")));
		const { projectId, version } = await changeProject(store);
		await a?.wire.changed(projectId, version);
		expect(b?.tenure.stalled()).toBe(true);
		// It was resumed already if a beat came late before.
		const before = resumedCount;
		await a?.tenure.leave(0);
		await expect.poll(() => b?.tenure.stalled(), WAIT).toBe(false);
		expect(resumedCount).toBe(before + 1);
	});

	it("leaves its shards to the others if it can't read changes for long, and joins again when it can", async () => {
		const [a, b] = await start(2);
		let isBroken = true;
		b?.wire.follow(() => (isBroken ? Promise.reject(new Error("on purpose")) : Promise.resolve()));
		const { projectId, version } = await changeProject(store);
		await a?.wire.changed(projectId, version);
		const shards = () => [a, b].map((each) => each?.tenure.shards()?.length);
		expect(shards()).toEqual([128, 128]);
		// After ten seconds, and with the end of its tenure.
		await expect.poll(shards, WAIT).toEqual([256, 0]);
		isBroken = false;
		await expect.poll(shards, WAIT).toEqual([128, 128]);
		expect(b?.isMember()).toBe(true);
	});

	it("counts as a member that answers calls only when it has read everything since it has joined again", async () => {
		const [a, b] = await start(2);
		const read = Promise.withResolvers<void>();
		b?.clock.freeze();
		await expect.poll(() => b?.isMember(), WAIT).toBe(false);
		b?.wire.follow(() => read.promise);
		const { projectId, version } = await changeProject(store);
		await a?.wire.changed(projectId, version);
		b?.clock.resume();
		const number = async () => (await a?.members())?.filter(({ state }) => state === "live").length;
		await expect.poll(number, WAIT).toBe(2);
		expect(b?.isMember()).toBe(false);
		read.resolve();
		await expect.poll(() => b?.isMember(), WAIT).toBe(true);
	});

	it("reads changes that nobody has told of", async () => {
		const [a] = await start(1);
		const reads: unknown[] = [];
		a?.wire.follow((...read) => {
			reads.push(read);
			return Promise.resolve();
		});
		const { projectId, version } = await changeProject(store);
		await expect.poll(() => reads, WAIT).toEqual([[projectId, version]]);
		const { version: next } = await changeProject(store);
		await expect
			.poll(() => reads, WAIT)
			.toEqual([
				[projectId, version],
				[projectId, next],
			]);
	});

	it("has read all changes that were made before its start", async () => {
		const { projectId, version } = await changeProject(store);
		const member = members.open(database.url);
		const reads: unknown[] = [];
		member.wire.follow((...read) => {
			reads.push(read);
			return Promise.resolve();
		});
		await member.tenure.start();
		expect(reads).toEqual([
			[null, expect.any(Number)],
			[projectId, version],
		]);
	});

	it("reads a change again whose read has failed, and confirms it then", async () => {
		const [a, b] = await start(2);
		let failures = 2;
		b?.wire.follow(() => (failures-- > 0 ? Promise.reject(new Error("on purpose")) : Promise.resolve()));
		const { projectId, version } = await changeProject(store);
		await a?.wire.changed(projectId, version);
		expect(failures).toBe(-1);
		expect(b?.problems).toHaveLength(1);
	});

	it("does not wait for a process that has left, and says of one that does not answer that it is unreachable", async () => {
		const [a, b] = await start(2);
		if (a === undefined || b === undefined) throw new Error("not started");
		const place = await placeOf(b);
		const note = {
			kind: "due",
			webhookId: createIdMaker(systemChance).make("webhook", 1),
			at: 1,
		} as const;
		b.clock.freeze();
		// The beat and the look that were under way have ended, since their next ones wait.
		await expect.poll(() => b.clock.waiting, WAIT).toBeGreaterThanOrEqual(2);
		expect(await a.wire.tell(place, note)).toBe("unreachable");
		b.clock.resume();
		await b.tenure.leave(0);
		expect(await a.wire.tell(place, note)).toBe("unreachable");
		const { projectId, version } = await changeProject(store);
		await a.wire.changed(projectId, version);
		expect(await database.server.query("SELECT id FROM owner_notes", database.url)).toEqual([]);
	});

	/** Two members, and what the second one is told. */
	const startTold = async (urls: readonly [string, string] = [database.url, database.url]) => {
		const [a, b] = urls.map((url) => members.open(url)) as [TestMember, TestMember];
		await Promise.all([a.tenure.start(), b.tenure.start()]);
		const noted: unknown[] = [];
		b.wire.listen({ handedOver() {}, handOffsMissed() {}, noted: (each) => noted.push(each), sessionsChanged() {} });
		return { a, b, noted };
	};
	const note: DiscardNote = { kind: "discard many", deliveryIds: ["dlv_1"], eventId: null };
	const countNotes = async () =>
		Number((await database.server.query("SELECT count(*) AS count FROM owner_notes", database.url))[0]?.["count"]);

	it("resolves a note to all when a member that stood still has acted upon it", async () => {
		const { a, b, noted } = await startTold();
		b.clock.freeze();
		let isTold = false;
		const telling = a.wire.tellAll(note).then(() => (isTold = true));
		await expect.poll(countNotes, WAIT).toBe(1);
		expect([isTold, noted]).toEqual([false, []]);
		b.clock.resume();
		await telling;
		expect(noted).toEqual([note]);
		expect(await countNotes()).toBe(0);
	});

	it.each(["stands still", "is cut off"])(
		"resolves a note to all beside a member that %s when that one has lost its tenure, and later ones at once",
		async (what) => {
			await using link = await NetworkLink.open(database.url);
			const { a, b } = await startTold([database.url, link.url]);
			if (what === "stands still") b.clock.freeze();
			else link.silence();
			await a.wire.tellAll(note);
			expect(b.memberId()).toBeNull();
			a.clock.asked = [];
			await a.wire.tellAll(note);
			// It has not waited for an answer.
			expect(a.clock.asked).not.toContain(50);
			link.reopen();
		},
	);

	it("asks once for all notes that wait for a member that stands still, however many have been written one by one", async () => {
		const { a, b } = await startTold();
		b.clock.freeze();
		a.clock.asked = [];
		const startedAt = a.clock.monotonicMs();
		const telling: Promise<unknown>[] = [];
		for (let n = 1; n <= 30; n++) {
			telling.push(a.wire.tellAll(note));
			await expect.poll(countNotes, { interval: 5 }).toBe(n);
		}
		await Promise.all(telling);
		const mostQuestions = (a.clock.monotonicMs() - startedAt) / 49 + 1;
		expect(a.clock.asked.filter((ms) => ms === 50).length).toBeLessThan(mostQuestions);
	});

	it("does not wait with a note to all for a member whose tenure has ended, and whose row is still there", async () => {
		const lost = `
			INSERT INTO members (id, name, version, role, join_date, seen_date, expire_date, load)
			SELECT gen_random_uuid(), 'lost', '1.2.3', 1, now, now, now - 1, '{}' FROM (SELECT cluster_now() AS now) AS clock
		`;
		await database.server.query(lost, database.url);
		const [a] = (await start(1)) as [TestMember];
		// It could have joined just after a step of the database's clock: a live one would beat again.
		expect(a.tenure.liveMembers()).toBe(2);
		await expect.poll(() => a.tenure.liveMembers(), WAIT).toBe(1);
		a.clock.asked = [];
		await a.wire.tellAll(note);
		expect(a.clock.asked).not.toContain(50);
	});

	it("waits for a member whose tenure goes on although the database's clock has stepped, and says that it has ended", async () => {
		const { a, b } = await startTold();
		const [following, read] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		b.wire.follow(() => {
			following.resolve();
			return read.promise;
		});
		const { projectId, version } = await changeProject(store);
		const changing = a.wire.changed(projectId, version).then(() => b.memberId());
		await following.promise;
		// Its next beat would say that it is there.
		b.clock.freeze();
		onTestFinished(() => database.stepClock(0));
		await database.stepClock(3_600_000);
		const telling = a.wire.tellAll(note).then(() => b.memberId());
		// When they resolve, its tenure is over by its own clock.
		const memberIds = await Promise.all([changing, telling]);
		read.resolve();
		expect(memberIds).toEqual([null, null]);
	});

	it("keeps a note to all for a member that can't read it, which begins no attempt before it has", async () => {
		const { a, b, noted } = await startTold();
		const { member: id } = await placeOf(b);
		/** For each time that it was resumed: how many notes it had read. */
		const resumes: number[] = [];
		b.tenure.attach({
			gained: () => Promise.resolve(),
			lost() {},
			resumed: () => void resumes.push(noted.length),
			inFlightOf: () => 0,
		});
		const blocker = new pg.Client({ connectionString: database.url });
		await blocker.connect();
		try {
			// No look gets its answer.
			await blocker.query("BEGIN; LOCK TABLE live_watches IN ACCESS EXCLUSIVE MODE");
			await a.wire.tellAll(note);
			expect([noted, b.tenure.stalled()]).toEqual([[], true]);
			resumes.length = 0;
		} finally {
			await blocker.end();
		}
		// On a machine on which all this has taken too long, it has left its shards to the others, and is another member.
		await expect.poll(() => noted.length === 1 || b.memberId() !== id, WAIT).toBe(true);
		await expect.poll(() => b.tenure.stalled(), WAIT).toBe(false);
		if (b.memberId() === id) expect(resumes).not.toContain(0);
	});

	it("writes a note to all when the database can be reached again", async () => {
		await using link = await NetworkLink.open(database.url);
		const { a, noted } = await startTold([link.url, database.url]);
		link.refuse();
		const telling = a.wire.tellAll(note);
		await expect.poll(() => a.problems.length, WAIT).toBeGreaterThan(0);
		link.reopen();
		expect(await telling).toBe("done");
		expect(noted).toContainEqual(note);
	});

	it("says of a note to all that it has reached nobody if it could not be written", async () => {
		await using link = await NetworkLink.open(database.url);
		const { a, noted } = await startTold([link.url, database.url]);
		link.refuse();
		expect(await a.wire.tellAll(note)).toBe("unreachable");
		link.reopen();
		expect(noted).toEqual([]);
	});

	it("says of a note to all that others have acted upon it although this process has left meanwhile", async () => {
		const { a, b, noted } = await startTold();
		b.clock.freeze();
		const telling = a.wire.tellAll(note);
		await expect.poll(countNotes, WAIT).toBe(1);
		await a.tenure.leave(0);
		expect(a.isMember()).toBe(false);
		b.clock.resume();
		expect(await telling).toBe("done");
		expect(noted).toEqual([note]);
	});
});
