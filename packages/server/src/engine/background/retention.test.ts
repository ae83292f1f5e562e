// Retention over weeks, on the real store, with a clock that the test moves.
import { describe, expect, it, vi } from "vitest";

import { projectScope } from "../../core/access/principal.ts";
import { idTime } from "../../core/ids.ts";
import { ANY_ENTRY, Records } from "../../ports/contract/store/records/records.ts";
import type { Membership } from "../../ports/membership.ts";
import type { DeletedProjectsStep, Purged } from "../../ports/store/retention.ts";
import type { Store } from "../../ports/store/store.ts";
import { DEFAULT_LIMITS } from "../parts.ts";
import { NOBODY, openDelivering, passTurns } from "../test/delivering.ts";
import {
	changeIn,
	eventInput,
	eventually,
	membershipOf,
	openTestEngine,
	type TestEngine,
} from "../test/test-engine.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** At the end of a pass, retention sets a timer for the next one. */
const PASS_EVERY_MS = 10 * MINUTE_MS;
/** An event that no webhook wants. */
const INPUT = eventInput({ type: "a" });
const NONE: Purged = { events: 0, deliveries: 0, attempts: 0, payloads: 0 };

/** Moves the clock and waits until a pass of retention has ended. The pass that was due on the way has started at its own time. */
async function goOn(test: TestEngine, ms: number): Promise<void> {
	const timers = vi.spyOn(test.clock, "after");
	for (const step of [ms, 11 * MINUTE_MS]) {
		timers.mockClear();
		test.clock.advance(step);
		await eventually("a pass of retention has ended", () => {
			// Nothing else in the engine sets a timer of this length.
			if (timers.mock.calls.some(([delayMs]) => delayMs === PASS_EVERY_MS)) return true;
			// For the pauses between the steps of the pass.
			test.clock.advance(50);
			return false;
		});
	}
	timers.mockRestore();
}

/** Moves the clock by a month, and then on until a pass has deleted something. */
async function untilPassing(test: TestEngine): Promise<void> {
	test.clock.advance(31 * DAY_MS);
	await eventually("retention has begun", () => {
		if (test.observer.purges.length > 0) return true;
		test.clock.advance(MINUTE_MS);
		return false;
	});
}

function purged(test: TestEngine): Purged {
	const sum = { ...NONE };
	for (const each of test.observer.purges) {
		for (const kind of ["events", "deliveries", "attempts", "payloads"] as const) sum[kind] += each[kind];
	}
	return sum;
}

const gone = async (test: TestEngine, eventId: string): Promise<boolean> =>
	(await test.store.event(test.scope, eventId)) === null;

/** Sends 1,000 events this many times. */
async function sendThousands(test: TestEngine, times: number): Promise<void> {
	const inputs = Array.from({ length: 1_000 }, () => INPUT);
	for (let n = 0; n < times; n++) await test.engine.intake.sendBatch(test.scope, inputs);
}

/** Calls the store as before, unless `before` throws. */
function purgeEventsAfter(
	{ engineStore, store }: TestEngine,
	before: (...step: Parameters<Store["purgeEvents"]>) => void,
) {
	engineStore.purgeEvents = async (step) => {
		before(step);
		return store.purgeEvents(step);
	};
}

/** Accepts an event of each of these projects, and says of which ones the events are left. */
async function acceptOneOfEach(test: TestEngine, projectIds: readonly string[]) {
	const records = new Records();
	records.now = test.clock.now();
	const events = projectIds.map((projectId) => records.event(projectId));
	await test.store.commit({ events, updates: [] });
	return async () => {
		const found = await Promise.all(
			events.map(({ event }) => test.store.eventsById(projectScope(event.projectId), [event.id])),
		);
		return projectIds.filter((_, index) => found[index]?.[0] !== null);
	};
}

describe("retention", () => {
	it("deletes an event with its log after 30 days, not before", async () => {
		const { test } = await openDelivering();
		const eventId = await test.send();
		const delivery = await test.delivery(eventId, { status: "Succeeded" });
		await goOn(test, 30 * DAY_MS - HOUR_MS);
		expect(await gone(test, eventId)).toBe(false);
		await goOn(test, 2 * HOUR_MS);
		expect(await gone(test, eventId)).toBe(true);
		expect(await test.attempts(delivery.id)).toEqual([]);
		expect(purged(test)).toEqual({ events: 1, deliveries: 1, attempts: 1, payloads: 0 });
		expect(test.observer.problems).toEqual([]);
	});

	it.each([
		["", false],
		[", also if a step has failed there", true],
	])(
		"deletes in time what it has passed on its way to events whose ids are ahead of their dates%s",
		async (_, fails) => {
			await using test = await openTestEngine();
			let willFail = fails;
			purgeEventsAfter(test, (step) => {
				if (!willFail || step.after === null || idTime(step.after) < step.before) return;
				willFail = false;
				throw new Error("the store fails");
			});
			const records = new Records();
			records.now = test.clock.now();
			records.ids.make("evt", records.now + 16 * MINUTE_MS);
			const add = async (count: number) => {
				const events = Array.from({ length: count }, () => records.event(test.projectId));
				await test.store.commit({ events, updates: [] });
				return events.map(({ event }) => event.id);
			};
			const [old = ""] = await add(1);
			records.now += 15 * MINUTE_MS;
			// More than a step looks at.
			const young = [...(await add(1_000)), ...(await add(1_000))];
			const left = async (ids: readonly string[]) => {
				const found = await test.store.eventsById(test.scope, ids);
				return found.filter((event) => event !== null).length;
			};
			const some = [0, 700, 1_300, 1_999].map((at) => young[at] ?? "");
			// At its end, a pass begins with the oldest event.
			await goOn(test, 30 * DAY_MS);
			expect([await left([old]), await left(some)]).toEqual([0, 4]);
			// Only the next day one does so again.
			await goOn(test, 2 * HOUR_MS);
			expect(await left(some)).toBe(0);
			expect(purged(test).events).toBe(2_001);
			expect([willFail, test.observer.problems.length]).toEqual([false, fails ? 1 : 0]);
		},
	);

	it("looks again in the next pass among events whose ids are ahead, if the store has failed in the one of the day", async () => {
		await using test = await openTestEngine();
		let failures = 1;
		purgeEventsAfter(test, () => {
			if (failures-- > 0) throw new Error("the store fails");
		});
		const records = new Records();
		records.now = test.clock.now() - 31 * DAY_MS;
		records.ids.make("evt", test.clock.now());
		const event = records.event(test.projectId);
		await test.store.commit({ events: [event], updates: [] });
		await goOn(test, MINUTE_MS);
		expect(failures).toBeLessThan(0);
		expect(await test.store.eventsById(test.scope, [event.event.id])).toEqual([null]);
	});

	/** An engine with five projects, an expired event of each, and a store that fails for the first three. */
	async function openWithFailingProjects() {
		const test = await openTestEngine();
		const asked = new Set<string>();
		for (const name of ["a", "b", "c", "d"]) await test.engine.projects.create(name, null);
		const ids = test.engine.projects.list().map(({ id }) => id);
		purgeEventsAfter(test, ({ projectId }) => {
			asked.add(projectId);
			if (ids.slice(0, 3).includes(projectId)) throw new Error("the project fails");
		});
		return { test, ids, asked, left: await acceptOneOfEach(test, ids) };
	}

	it("goes on with the other projects, and then with audit entries, if several fail one after the other", async () => {
		const { test, ids, asked, left } = await openWithFailingProjects();
		await using _ = test;
		const [failing = ""] = ids;
		await test.engine.projects.update(changeIn(failing), { payloadRetentionDays: 1 });
		const purgeAudit = vi.spyOn(test.engineStore, "purgeAuditEntries");
		const purgePayloads = vi.spyOn(test.engineStore, "purgePayloads");
		await goOn(test, 31 * DAY_MS);
		const messages = test.observer.problems.map(({ message }) => message);
		expect(new Set(messages)).toEqual(new Set(["expired data could not be deleted"]));
		// Its events can't be deleted, its payloads can.
		expect(purgePayloads).toHaveBeenCalledWith(expect.objectContaining({ projectId: failing }));
		expect([...asked].toSorted()).toEqual(ids.toSorted());
		expect(await left()).toEqual(ids.slice(0, 3));
		expect(purgeAudit).toHaveBeenCalled();
	});

	it("leaves out the projects after those that fail while the store can't be written, and still looks at audit entries", async () => {
		const { test, ids, asked } = await openWithFailingProjects();
		await using _ = test;
		test.engineStore.probe = () => Promise.reject(new Error("the store can't be written"));
		const purgeAudit = vi.spyOn(test.engineStore, "purgeAuditEntries");
		await goOn(test, 31 * DAY_MS);
		expect([...asked].toSorted()).toEqual(ids.slice(0, 3).toSorted());
		expect(purgeAudit).toHaveBeenCalled();
	});

	it("keeps the record of a deleted webhook for a day, so that a process which was cut off learns of its deletion", async () => {
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(NOBODY);
		await test.engine.webhooks.delete(test.change, id);
		const named = async () => {
			const changes = await test.store.projectChanges(test.projectId, { revision: 0, webhookId: null }, 10);
			return changes.webhooks.map((webhook) => webhook.id);
		};
		await goOn(test, 12 * HOUR_MS);
		expect(await named()).toEqual([id]);
		await goOn(test, 13 * HOUR_MS);
		expect(await named()).toEqual([]);
	});

	it("deletes audit entries after a year, in several steps, and none with 0", async () => {
		await using test = await openTestEngine({ retention: { auditRetentionDays: 365 } });
		const records = new Records();
		records.now = test.clock.now();
		// More than a step deletes.
		for (let n = 0; n < 300; n++) await test.store.insertAuditEntry(records.entry());
		const left = async () => (await test.store.auditEntries(ANY_ENTRY, { limit: 1_000, cursor: null })).rows.length;
		const before = await left();
		await goOn(test, 365 * DAY_MS - HOUR_MS);
		expect(await left()).toBe(before);
		await goOn(test, 2 * HOUR_MS);
		expect(await left()).toBe(0);
		expect(test.observer.problems).toEqual([]);
		await using other = await openTestEngine({ retention: { auditRetentionDays: 0 } });
		records.now = other.clock.now();
		await other.store.insertAuditEntry(records.entry());
		await goOn(other, 3_000 * DAY_MS);
		const kept = await other.store.auditEntries(ANY_ENTRY, { limit: 1, cursor: null });
		expect(kept.rows).toHaveLength(1);
	});

	it("deletes so many audit entries in a pass at most that nothing else waits for long, and goes on in the next one", async () => {
		await using test = await openTestEngine({ retention: { auditRetentionDays: 365 } });
		const entries = { left: 100_000 };
		let rounds = 0;
		test.engineStore.purgeAuditEntries = async (_before, limit) => {
			const deleted = Math.min(entries.left, limit);
			entries.left -= deleted;
			return Promise.resolve(deleted);
		};
		for (let before = entries.left; entries.left > 0; before = entries.left, rounds++) {
			// Two passes.
			await goOn(test, 10 * 60_000);
			expect(before - entries.left).toBeGreaterThan(0);
			expect(before - entries.left).toBeLessThan(42_000);
		}
		expect(rounds).toBeGreaterThanOrEqual(3);
	});

	it("uses the project's days instead of the server's, and never deletes with 0", async () => {
		await using test = await openTestEngine({ retention: { retentionDays: 7, payloadRetentionDays: null } });
		const { projects } = test.engine;
		const [short, never] = [await projects.create("short", null), await projects.create("never", null)];
		await projects.update(changeIn(short.id), { retentionDays: 1 });
		await projects.update(changeIn(never.id), { retentionDays: 0 });
		const left = await acceptOneOfEach(test, [test.projectId, short.id, never.id]);
		await goOn(test, DAY_MS + HOUR_MS);
		expect(await left()).toEqual([test.projectId, never.id]);
		for (const days of [6, 3_000]) {
			await goOn(test, days * DAY_MS);
			expect(await left()).toEqual([never.id]);
		}
		await projects.update(changeIn(never.id), { retentionDays: null });
		await goOn(test, HOUR_MS);
		expect(await left()).toEqual([]);
	});

	it("deletes by the settings that are in force when a project's turn comes, also within a pass", async () => {
		await using test = await openTestEngine();
		const other = await test.engine.projects.create("other", null);
		await acceptOneOfEach(test, [test.projectId, other.id]);
		test.engineStore.purgeEvents = async (step) => {
			const result = await test.store.purgeEvents(step);
			if (result.purged.events > 0) {
				test.engine.change({
					limits: DEFAULT_LIMITS,
					retention: { retentionDays: 0, payloadRetentionDays: null, auditRetentionDays: 0 },
					quotas: { maxEventsPerSecond: 0, maxStoredBytes: 0 },
				});
			}
			return result;
		};
		await goOn(test, 31 * DAY_MS);
		expect(purged(test).events).toBe(1);
	});

	/** An engine with 2,000 events, which calls `then` when it has deleted the first of them. */
	async function openWithMany(then: (test: TestEngine) => Promise<unknown> | void, membership?: Membership) {
		const test = await openTestEngine(membership === undefined ? {} : { membership });
		await sendThousands(test, 2);
		test.engineStore.purgeEvents = async (step) => {
			const result = await test.store.purgeEvents(step);
			if (result.purged.events === 0) return result;
			test.engineStore.purgeEvents = (next) => test.store.purgeEvents(next);
			await then(test);
			return result;
		};
		return test;
	}

	it("deletes no further events whose project is to keep them longer from now on, also within a pass", async () => {
		await using test = await openWithMany(({ engine, change }) =>
			engine.projects.update(change, { retentionDays: 60 }),
		);
		await goOn(test, 31 * DAY_MS);
		expect(test.observer.purges).toHaveLength(1);
		expect(purged(test).events).toBeLessThan(2_000);
		await test.engine.projects.update(test.change, { retentionDays: null });
		await goOn(test, HOUR_MS);
		expect(purged(test).events).toBe(2_000);
	});

	it("waits within a pass while its process may not know how long events are to be kept, and goes on when it does", async () => {
		const member = { isMember: true };
		await using test = await openWithMany(() => void (member.isMember = false), membershipOf(member));
		test.clock.advance(31 * DAY_MS);
		await eventually("the first events are deleted", () => {
			test.clock.advance(MINUTE_MS);
			return !member.isMember;
		});
		for (let second = 0; second < 60; second++) {
			test.clock.advance(1_000);
			await passTurns(1);
		}
		expect(purged(test).events).toBeLessThan(2_000);
		member.isMember = true;
		await eventually("the others are deleted in the same pass", () => {
			test.clock.advance(1_000);
			return purged(test).events === 2_000;
		});
	});

	it("deletes payloads earlier than the log", async () => {
		await using test = await openTestEngine({ retention: { retentionDays: 30, payloadRetentionDays: 2 } });
		const eventId = await test.send({ dataJson: '{"n":1}' });
		await goOn(test, 2 * DAY_MS - HOUR_MS);
		expect(await test.store.eventBody(test.scope, eventId)).not.toBeNull();
		await goOn(test, 2 * HOUR_MS);
		expect([await test.store.eventBody(test.scope, eventId), await gone(test, eventId)]).toEqual([null, false]);
		expect(purged(test)).toEqual({ ...NONE, payloads: 1 });
		await goOn(test, 28 * DAY_MS);
		expect(await gone(test, eventId)).toBe(true);
	});

	it("keeps the newest 10,000 replays of a project, and those that have ended for as long as events", async () => {
		await using test = await openTestEngine();
		const ages: number[] = [];
		test.engineStore.purgeReplays = (step) => {
			expect(step).toMatchObject({ projectId: test.projectId, keep: 10_000 });
			ages.push(test.clock.now() - (step.before ?? 0));
			return test.store.purgeReplays(step);
		};
		await goOn(test, HOUR_MS);
		await eventually("a step", () => ages.length > 0);
		// The clock moves on during a pass.
		expect(Math.min(...ages)).toBeGreaterThanOrEqual(30 * DAY_MS);
		expect(Math.max(...ages)).toBeLessThan(30 * DAY_MS + 2 * HOUR_MS);
	});

	it("begins with the data of a deleted project at once, goes on after a failure, and asks the store no more when all is gone", async () => {
		await using test = await openTestEngine();
		let [calls, failures] = [0, 1];
		test.engineStore.purgeDeletedProjects = async (after, limit) => {
			calls++;
			if (failures-- > 0) throw new Error("on purpose");
			return test.store.purgeDeletedProjects(after, limit);
		};
		const { projects, intake } = test.engine;
		const project = await projects.create("short-lived", null);
		const { event } = await intake.send(projectScope(project.id), { ...INPUT, idempotencyKey: "k" });
		await projects.delete(changeIn(project.id));
		await eventually("the first step has failed", () => test.observer.problems.length === 1);
		expect(calls).toBe(1);
		test.clock.advance(10_000);
		await eventually("the event is gone", async () => {
			return (await test.store.event(projectScope(project.id), event.id)) === null;
		});
		// While the project is in the store, another one with the same id is refused.
		await eventually("the project is removed", async () => {
			await goOn(test, HOUR_MS);
			return test.store.insertProject(project, null).then(
				() => true,
				() => false,
			);
		});
		const run = async () => {
			for (let run = 0; run < 6; run++) {
				test.clock.advance(10_000);
				await passTurns();
			}
		};
		await run();
		const before = calls;
		await run();
		expect(calls).toBe(before);
		expect(test.observer.notes).toContain("deleted the data of deleted projects");
	});

	it("goes once through the deleted projects that can't go yet, in steps that follow from their time, and looks at them again in a later run", async () => {
		await using test = await openTestEngine();
		const step = (after: string | null, changes: Partial<DeletedProjectsStep> = {}): DeletedProjectsStep => {
			return { purged: NONE, hasDeleted: false, isFull: false, after, done: false, left: true, ...changes };
		};
		const full = step("proj_a", { hasDeleted: true, isFull: true });
		const first = [step("proj_a"), full, full, step("proj_b"), step("proj_b", { done: true })];
		const results = [...first, step(null, { done: true, left: false })];
		const calls: { after: string | null; limit: number }[] = [];
		test.engineStore.purgeDeletedProjects = (after, limit) => {
			calls.push({ after, limit });
			return Promise.resolve(results[calls.length - 1]!);
		};
		const project = await test.engine.projects.create("short-lived", null);
		await test.engine.projects.delete(changeIn(project.id));
		await eventually("the run has ended", () => calls.length === first.length);
		await passTurns();
		expect(calls.map(({ after }) => after)).toEqual([null, "proj_a", "proj_a", "proj_a", "proj_b"]);
		// No time passes while this clock stands.
		expect([calls[0]?.limit, calls.at(-1)?.limit]).toEqual([50, 200]);
		test.clock.advance(10_000);
		await passTurns();
		expect(calls.slice(first.length).map(({ after }) => after)).toEqual([null]);
	});

	it("lets sends through between its steps, and stops after the step under way", async () => {
		await using test = await openTestEngine();
		await sendThousands(test, 3);
		await untilPassing(test);
		await test.send();
		expect(purged(test).events).toBeLessThan(3_000);
		const stopping = test.engine.stop(0);
		const steps = test.observer.purges.length;
		await stopping;
		expect(test.observer.purges.length).toBeLessThanOrEqual(steps + 1);
		expect(test.observer.problems).toEqual([]);
	});
});
