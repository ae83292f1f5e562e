// What members on PostgreSQL do beside one that stands still or can't read: each of them waits until a tenure ends.
import { NetworkLink } from "@fanfare/testkit/world/network-link";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";

import { fillStore } from "../../../ports/contract/store/records/records.ts";
import type { Store } from "../../../ports/store/store.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { holder, NOTE, placeOf, TestMembers, type TestMember } from "../test/test-member.ts";
import { changeProject } from "../test/test-store.ts";

const WAIT = { interval: 20 };

describeOnPostgres("members on PostgreSQL", (database) => {
	const members = new TestMembers();
	let store: Store;
	beforeEach(async () => {
		({ store } = await fillStore(await database.openEmpty()));
	});
	afterEach(() => members.close());
	const start = (count: number) => members.start(count, database.url);

	it("resolves a change beside a member that can't read it only when that one answers no calls and begins no attempts", async () => {
		const [a, b] = (await start(2)) as [TestMember, TestMember];
		/** For each time that it was resumed: whether it knew all changes. */
		const resumes: boolean[] = [];
		b.tenure.attach(holder(() => void resumes.push(b.isMember())));
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
		b?.tenure.attach(holder(() => void resumedCount++));
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

	it.each(["stands still", "is cut off"])(
		"resolves a note to all beside a member that %s when that one has lost its tenure, and later ones at once",
		async (what) => {
			await using link = await NetworkLink.open(database.url);
			const { a, b } = await members.startTold(database.url, link.url);
			if (what === "stands still") b.clock.freeze();
			else link.silence();
			await a.wire.tellAll(NOTE);
			expect(b.memberId()).toBeNull();
			a.clock.asked = [];
			await a.wire.tellAll(NOTE);
			// It has not waited for an answer.
			expect(a.clock.asked).not.toContain(50);
			link.reopen();
		},
	);

	it("asks once for all notes that wait for a member that stands still, however many have been written one by one", async () => {
		const { a, b } = await members.startTold(database.url);
		b.clock.freeze();
		a.clock.asked = [];
		const startedAt = a.clock.monotonicMs();
		const telling: Promise<unknown>[] = [];
		await using beside = await database.connect();
		const written = async () => (await beside.query("SELECT id FROM owner_notes")).rowCount;
		for (let n = 1; n <= 8; n++) {
			telling.push(a.wire.tellAll(NOTE));
			await expect.poll(written, { interval: 5 }).toBe(n);
		}
		await Promise.all(telling);
		const mostQuestions = (a.clock.monotonicMs() - startedAt) / 49 + 1;
		expect(a.clock.asked.filter((ms) => ms === 50).length).toBeLessThan(mostQuestions);
	});

	it("waits for a member whose tenure goes on although the database's clock has stepped, and says that it has ended", async () => {
		const { a, b } = await members.startTold(database.url);
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
		const telling = a.wire.tellAll(NOTE).then(() => b.memberId());
		// When they resolve, its tenure is over by its own clock.
		const memberIds = await Promise.all([changing, telling]);
		read.resolve();
		expect(memberIds).toEqual([null, null]);
	});

	it("keeps a note to all for a member that can't read it, which begins no attempt before it has", async () => {
		const { a, b, noted } = await members.startTold(database.url);
		const { member: id } = await placeOf(b);
		/** For each time that it was resumed: how many notes it had read. */
		const resumes: number[] = [];
		b.tenure.attach(holder(() => void resumes.push(noted.length)));
		const blocker = await database.connect();
		try {
			// No look gets its answer.
			await blocker.query("BEGIN; LOCK TABLE live_watches IN ACCESS EXCLUSIVE MODE");
			await a.wire.tellAll(NOTE);
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

	it("says of a note to all that it has reached nobody if it could not be written", async () => {
		await using link = await NetworkLink.open(database.url);
		const { a, noted } = await members.startTold(link.url, database.url);
		link.refuse();
		expect(await a.wire.tellAll(NOTE)).toBe("unreachable");
		link.reopen();
		expect(noted).toEqual([]);
	});
});
