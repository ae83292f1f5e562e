// Runs the contract of a wire on PostgreSQL, and shows what happens to those who wait for others. postgres-wire.all.test.ts has what takes a tenure.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { NetworkLink } from "@fanfare/testkit/world/network-link";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";

import { createIdMaker } from "../../../core/ids.ts";
import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { wireContract } from "../../../ports/contract/wire.contract.ts";
import type { Store } from "../../../ports/store/store.ts";
import { systemChance } from "../../system/system-chance.ts";
import { systemClock } from "../../system/system-clock.ts";
import { Database } from "../connection/database.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { listener, NOTE, placeOf, TestMembers, type TestMember } from "../test/test-member.ts";
import { changeProject } from "../test/test-store.ts";
import { FROM_START, readChanges } from "./changes.ts";

const WAIT = { interval: 20 };
/** Transactions of other databases hold up what a look takes for complete, and it reads it again. */
const ON_OWN_SERVER = { settings: [] };

describeOnPostgres("members on PostgreSQL", ON_OWN_SERVER, (database) => {
	const members = new TestMembers();
	/** They take as long for a note to one of them as they need on a busy machine. */
	const patient = new TestMembers({ tellMs: DEADLINE_MS });
	let store: Store;
	beforeEach(async () => {
		({ store } = await fillStore(await database.openEmpty()));
	});
	afterEach(async () => {
		await members.close();
		await patient.close();
	});
	const start = (count: number) => members.start(count, database.url);

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
		b?.wire.listen(listener({ noted: (note) => noted.push(note) }));
		const { member: id } = await placeOf(b!);
		const note = { kind: "due", webhookId: "webhook_1", at: 7 };
		await database.query(`
		INSERT INTO owner_notes (member, notes, create_date) VALUES ('${id}', '${JSON.stringify([{ kind: "newer" }, note])}', cluster_now());
		INSERT INTO session_changes (kind, id, expire_date) VALUES (99, gen_random_uuid(), 5);
		INSERT INTO live_watches (member, topic) VALUES ('${id}', 'newer topic');
		INSERT INTO members (id, name, version, role, join_date, seen_date, expire_date, load)
		SELECT gen_random_uuid(), 'newer', '9.0.0', 99, now, now, now + 3000, '{}' FROM (SELECT cluster_now() AS now) AS clock
	`);
		await b?.wire.catchUp();
		expect(noted).toEqual([note]);
		expect(await database.query("SELECT is_done FROM owner_notes")).toEqual([{ is_done: true }]);
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
		b?.wire.listen(listener({ sessionsChanged: (changes) => ended.push(...changes.ended) }));
		await database.query(
			"INSERT INTO session_changes (kind, id, expire_date) SELECT n % 3, gen_random_uuid(), 5 FROM generate_series(1, 2500) n",
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
			const [row] = await database.query("SELECT last_value FROM directory_changes");
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
		expect(await database.query("SELECT id FROM owner_notes")).toEqual([]);
	});

	const countNotes = () => database.count("owner_notes");

	it("resolves a note to all when a member that stood still has acted upon it", async () => {
		const { a, b, noted } = await members.startTold(database.url);
		b.clock.freeze();
		let isTold = false;
		const telling = a.wire.tellAll(NOTE).then(() => (isTold = true));
		await expect.poll(countNotes, WAIT).toBe(1);
		expect([isTold, noted]).toEqual([false, []]);
		b.clock.resume();
		await telling;
		expect(noted).toEqual([NOTE]);
		expect(await countNotes()).toBe(0);
	});

	it("does not wait with a note to all for a member whose tenure has ended, and whose row is still there", async () => {
		const lost = `
		INSERT INTO members (id, name, version, role, join_date, seen_date, expire_date, load)
		SELECT gen_random_uuid(), 'lost', '1.2.3', 1, now, now, now - 1, '{}' FROM (SELECT cluster_now() AS now) AS clock
	`;
		await database.query(lost);
		const [a] = (await start(1)) as [TestMember];
		// It could have joined just after a step of the database's clock: a live one would beat again.
		expect(a.tenure.liveMembers()).toBe(2);
		await expect.poll(() => a.tenure.liveMembers(), WAIT).toBe(1);
		a.clock.asked = [];
		await a.wire.tellAll(NOTE);
		expect(a.clock.asked).not.toContain(50);
	});

	it("writes a note to all when the database can be reached again", async () => {
		await using link = await NetworkLink.open(database.url);
		const { a, noted } = await members.startTold(link.url, database.url);
		link.refuse();
		const telling = a.wire.tellAll(NOTE);
		await expect.poll(() => a.problems.length, WAIT).toBeGreaterThan(0);
		link.reopen();
		expect(await telling).toBe("done");
		expect(noted).toContainEqual(NOTE);
	});

	it("says of a note to all that others have acted upon it although this process has left meanwhile", async () => {
		const { a, b, noted } = await members.startTold(database.url);
		b.clock.freeze();
		const telling = a.wire.tellAll(NOTE);
		await expect.poll(countNotes, WAIT).toBe(1);
		await a.tenure.leave(0);
		expect(a.isMember()).toBe(false);
		b.clock.resume();
		expect(await telling).toBe("done");
		expect(noted).toEqual([NOTE]);
	});

	it("reads changes once each, and again those that may have been missed in a crash, which gives the numbers of lost transactions again", async () => {
		const { projectId } = await changeProject(store);
		const other = new Database({ url: database.url, clock: systemClock });
		onTestFinished(() => other.close());
		const first = await readChanges(other, FROM_START, null);
		expect(first.projects).toEqual([{ projectId, version: expect.any(Number) }]);
		const { projects, since } = await readChanges(other, first.since, null);
		expect(projects).toEqual([]);
		await database.query("UPDATE projects SET version = version + 1, version_xid = '3'");
		expect((await readChanges(other, since, null)).projects).toEqual([]);
		await database.loseConnections();
		// The connection that was idle has ended: nobody was told.
		const read = () => readChanges(other, since, null).then((changes) => changes.projects, String);
		await expect.poll(read).toEqual([{ projectId, version: (first.projects[0]?.version ?? 0) + 1 }]);
	});
});
