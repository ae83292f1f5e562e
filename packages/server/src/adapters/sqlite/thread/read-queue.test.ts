// Which read is next: simulated threads make reads that take as long as the test says.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { expect, it } from "vitest";

import type { ReadName } from "../../../ports/store/reads/read-owners.ts";
import { ReadQueue, type TakenRead } from "./read-queue.ts";

/** A project that always has a read that waits, and how long each takes. */
interface Busy {
	readonly owner: string;
	readonly name: ReadName;
	readonly ms: number;
}

const SEND = "eventTypesByName";
const LIST = "deliveries";
const ROW = "delivery";
const always = () => true;

function add(queue: ReadQueue, project: string, name: ReadName, customer?: string): number | null {
	const read = { name, parameters: [customer], isBody: false, resolve: () => {}, reject: () => {} };
	return queue.add({ project, customer }, read);
}

/** Takes a read that must be there. */
function take(queue: ReadQueue, mayHave: (owner: string) => boolean = always): TakenRead {
	const taken = queue.next(mayHave);
	if (taken === null) throw new Error("no read waits");
	return taken;
}

/** Threads that make the reads of busy projects until each has worked for so long. Returns the time by project. */
function work(queue: ReadQueue, busy: readonly Busy[], untilMs: number, threads = 1): ReadonlyMap<string, number> {
	const used = new Map(busy.map(({ owner }) => [owner, 0]));
	const slots = Array.from({ length: threads }, () => ({ endsAt: 0, reading: null as TakenRead | null, ms: 0 }));
	for (const { owner, name } of busy) add(queue, owner, name);
	for (;;) {
		const slot = slots.reduce((first, each) => (each.endsAt < first.endsAt ? each : first));
		if (slot.endsAt >= untilMs) break;
		if (slot.reading !== null) queue.ended(slot.reading, slot.ms);
		slot.reading = null;
		const { owner, read } = take(queue, (each) => !slots.some(({ reading }) => reading?.owner === each));
		const { name, ms } = busy.find((each) => each.owner === owner)!;
		expect(read.name).toBe(name);
		Object.assign(slot, { reading: { owner, read }, ms, endsAt: slot.endsAt + ms });
		used.set(owner, (used.get(owner) ?? 0) + ms);
		add(queue, owner, name);
	}
	for (const { reading, ms } of slots) if (reading !== null) queue.ended(reading, ms);
	return used;
}

function projects(count: number, prefix: string, name: ReadName, ms: number): Busy[] {
	return Array.from({ length: count }, (_, n) => ({ owner: `${prefix}${n}`, name, ms }));
}

function timeOf(used: ReadonlyMap<string, number>, prefix: string): number {
	return [...used].reduce((sum, [owner, ms]) => (owner.startsWith(prefix) ? sum + ms : sum), 0);
}

it.each([
	["large sends' reads and small lists", 15, 2],
	["small sends' reads and slow lists", 0.5, 20],
])("gives sends three quarters of the time, and lists the rest: %s", (_, sendMs, listMs) => {
	const busy = [...projects(5, "send", SEND, sendMs), ...projects(5, "list", LIST, listMs)];
	const used = work(new ReadQueue(), busy, 10_000, 2);
	const lists = timeOf(used, "list") / (timeOf(used, "list") + timeOf(used, "send"));
	expect(lists).toBeGreaterThan(0.24);
	expect(lists).toBeLessThan(0.26);
});

it.each([
	["a send's read before the lists of all projects, also if these have waited for long", LIST, SEND, 50, 1],
	["a list soon that comes to many sends' reads that all take long", SEND, LIST, 50, 2],
	["the list of a project that has asked for nothing before those with slow ones", LIST, LIST, 100, 1],
	["a send's read of a project that has asked for nothing before those with slow ones", SEND, SEND, 100, 1],
] as const)("takes %s", (_, slow, name, count, within) => {
	const queue = new ReadQueue();
	work(queue, projects(count, "greedy", slow, 15), 10_000, 2);
	add(queue, "honest", name);
	const owners: string[] = [];
	for (let n = 0; n < within; n++) {
		const taken = take(queue);
		owners.push(taken.owner);
		queue.ended(taken, 15);
	}
	expect(owners).toContain("honest");
});

it("divides the time equally between the projects that wait, whatever their reads take", () => {
	const ms = fc.double({ min: 1, max: 100, noNaN: true });
	const property = fc.property(
		fc.array(ms, { minLength: 1, maxLength: 8 }),
		fc.constantFrom(LIST, SEND),
		(all, name) => {
			const busy = all.map((each, n) => ({ owner: `p${n}`, name, ms: each }));
			const used = work(new ReadQueue(), busy, 3_000);
			// No two of them differ by more than a read of each.
			for (const one of busy) {
				for (const other of busy) {
					const difference = used.get(one.owner)! - used.get(other.owner)!;
					expect(difference).toBeLessThanOrEqual(one.ms + other.ms + 1e-6);
				}
			}
		},
	);
	fc.assert(property, { numRuns: runs(30) });
});

it("makes a project with slow reads wait no longer than each other one needs to use the same time", () => {
	const queue = new ReadQueue();
	add(queue, "slow", LIST);
	queue.ended(take(queue), 10_000);
	add(queue, "slow", LIST);
	// Others that have asked for nothing come again and again.
	const others = projects(5, "other", LIST, 10);
	for (const { owner } of others) add(queue, owner, LIST);
	let before = 0;
	for (let taken = take(queue); taken.owner !== "slow"; taken = take(queue)) {
		queue.ended(taken, 10);
		before++;
		add(queue, taken.owner, LIST);
	}
	// However long its read was, 100 ms of it count.
	expect(before).toBe(5 * 10);
});

it("counts nothing that a project has used while no other one waited", () => {
	const queue = new ReadQueue();
	for (let n = 0; n < 1_000; n++) {
		add(queue, "alone0", LIST);
		queue.ended(take(queue), 20);
	}
	const used = work(queue, [...projects(1, "alone", LIST, 20), ...projects(1, "other", LIST, 20)], 1_000);
	expect(Math.abs(timeOf(used, "alone") - timeOf(used, "other"))).toBeLessThanOrEqual(40);
});

it("serves everybody also if the clock stands still", () => {
	const queue = new ReadQueue();
	const busy = [...projects(3, "send", SEND, 0), ...projects(3, "list", LIST, 0)];
	for (const { owner, name } of busy) add(queue, owner, name);
	const served = new Set<string>();
	for (let n = 0; n < 100; n++) {
		const taken = take(queue);
		served.add(taken.owner);
		queue.ended(taken, 0);
		add(queue, taken.owner, taken.read.name);
	}
	expect(served.size).toBe(6);
});

it("keeps the order in which projects came, and passes over those that may have no read now", () => {
	const queue = new ReadQueue();
	for (const owner of ["a", "b", "c"]) for (let n = 0; n < 2; n++) add(queue, owner, LIST);
	expect(take(queue, (owner) => owner !== "a").owner).toBe("b");
	expect(queue.next((owner) => owner === "x")).toBeNull();
	expect([take(queue), take(queue), take(queue)].map(({ owner }) => owner)).toEqual(["a", "c", "b"]);
});

it("takes a project's single rows before its lists, and a list after 16 of them", () => {
	const queue = new ReadQueue();
	for (let n = 0; n < 2; n++) add(queue, "p", LIST);
	for (let n = 0; n < 40; n++) add(queue, "p", ROW);
	const names = Array.from({ length: 42 }, () => take(queue).read.name);
	expect(names.flatMap((name, index) => (name === LIST ? [index] : []))).toEqual([16, 33]);
});

it.each([LIST, ROW] as const)("goes from customer to customer of a project: %s", (name) => {
	const queue = new ReadQueue();
	for (const customer of ["a", "a", "a", "b", "b", undefined]) add(queue, "p", name, customer);
	const customers = Array.from({ length: 6 }, () => take(queue).read.parameters[0]);
	expect(customers).toEqual(["a", "b", undefined, "a", "b", "a"]);
});

it("leaves places to the others of a project, however much a customer asks for", () => {
	const queue = new ReadQueue();
	const fill = (name: ReadName, customer?: string) => {
		let taken = 0;
		while (add(queue, "p", name, customer) === null) taken++;
		return taken;
	};
	expect([fill(LIST, "greedy"), fill(LIST, "second"), fill(LIST, "third")]).toEqual([192, 48, 12]);
	// The places of the project itself, and those for single rows, which changes need.
	expect([fill(LIST), fill(LIST, "greedy"), fill(ROW, "greedy"), fill(ROW, "other")]).toEqual([4, 0, 144, 84]);
	expect(fill(ROW)).toBe(28);
	expect(add(queue, "p", SEND)).toBeNull();
});

it("says how many reads of a project wait when it takes no more, and has none after it is cleared", () => {
	const queue = new ReadQueue();
	for (let n = 0; n < 256; n++) expect(add(queue, "p", LIST)).toBeNull();
	expect(add(queue, "p", LIST)).toBe(256);
	expect(add(queue, "other", LIST)).toBeNull();
	for (let n = 0; n < 256; n++) expect(add(queue, "p", ROW)).toBeNull();
	expect(add(queue, "p", ROW)).toBe(512);
	expect(add(queue, "p", SEND)).toBeNull();
	expect(add(queue, "p", SEND)).toBe(513);
	expect(queue.clear()).toHaveLength(514);
	expect([queue.isEmpty, queue.next(always)]).toEqual([true, null]);
});
