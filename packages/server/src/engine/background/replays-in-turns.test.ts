// Replays of several projects and customers: whoever has room makes a step whenever it is their turn, however many replays of strangers
// wait for room, and the running replays of a project have a limit.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { EVERY_CUSTOMER } from "../../core/access/customer.ts";
import type { Store } from "../../ports/store/store.ts";
import { NOBODY, passTurns } from "../test/delivering.ts";
import { changeIn, eventInput, eventually, openTestEngine } from "../test/test-engine.ts";
import type { NewWebhook } from "../webhook-settings.ts";

const ALL = { since: 0, until: null, outcomes: ["Missed"], eventTypes: ["old"] } as const;
/** It matches nothing, so that it always has room. A step examines 500 events. */
const NOTHING = { ...ALL, eventTypes: ["none"] } as const;
const EVENTS = 1_100;
const STEPS = 3;
const WAITING = 40;

/** A store that notes what the replayer asks of it: `step` of a replay, or `look` at the deliveries of a webhook's replays. */
async function openAskedStore(): Promise<{ readonly store: Store; readonly asked: string[] }> {
	const real = await openSqliteStore({ path: ":memory:" });
	const asked: string[] = [];
	const store: Store = {
		...real,
		stepReplay: (step) => {
			asked.push(step.replayId);
			return real.stepReplay(step);
		},
		untried: (deliveryIds) => {
			asked.push("another replay");
			return real.untried(deliveryIds);
		},
	};
	return { store, asked };
}

type Owner = { readonly project: "own" | "other"; readonly customerId: string | null };

/**
 * Starts a replay that always has room beside 40 replays that wait for a hanging receiver. Returns how often the store was
 * asked about others between each two of its steps.
 */
async function askedBetween(waiting: (n: number) => Owner, stranger: Owner) {
	await using receiver = await startReceiver();
	receiver.script(() => ({ kind: "hang" }));
	const { store, asked } = await openAskedStore();
	const limits = { maxReplaysPerCustomer: WAITING, maxWebhooksPerCustomer: WAITING };
	await using test = await openTestEngine({ store, limits });
	const other = await test.engine.projects.create("Other", null);
	const start = async ({ project, customerId }: Owner, request: typeof ALL | typeof NOTHING) => {
		const projectId = project === "own" ? test.projectId : other.id;
		const settings = { customerId, eventTypes: ["live"], rateLimit: { perSecond: 1 } };
		const { id } = await test.createWebhook(receiver.url, settings, projectId);
		const change = changeIn(projectId);
		return { change, replay: await test.engine.replays.start(change, id, request) };
	};
	const event = eventInput({ type: "old", customers: EVERY_CUSTOMER });
	for (const [{ scope }, count] of [
		[test.change, EVENTS],
		[changeIn(other.id), 2],
	] as const) {
		await Promise.all(Array.from({ length: count }, () => test.engine.intake.send(scope, event)));
	}
	for (let n = 0; n < WAITING; n++) await start(waiting(n), ALL);
	await eventually("each has made a delivery", async () => {
		test.clock.advance(10);
		return (await store.countOpen()).Pending === WAITING;
	});
	const { change, replay } = await start(stranger, NOTHING);
	asked.length = 0;
	await eventually("the replay has ended", async () => {
		test.clock.advance(10);
		return (await test.engine.replays.get(change.scope, replay.id)).status === "Finished";
	});
	expect((await store.countOpen()).Pending).toBe(WAITING);
	const turns = asked.flatMap((id, turn) => (id === replay.id ? [turn] : []));
	expect(turns.length).toBeGreaterThanOrEqual(STEPS);
	return turns.slice(1).map((turn, index) => turn - (turns[index] ?? turn) - 1);
}

describe("a replay that has room", () => {
	it("waits for one look at another project's replays, however many of them wait for room", async () => {
		const waiting = (n: number): Owner => ({ project: "other", customerId: `customer-${n}` });
		const between = await askedBetween(waiting, { project: "own", customerId: null });
		expect(Math.max(...between)).toBeLessThanOrEqual(1);
	});

	it("waits for one look at another customer's replays", async () => {
		const between = await askedBetween(() => ({ project: "own", customerId: "acme" }), {
			project: "own",
			customerId: "globex",
		});
		expect(Math.max(...between)).toBeLessThanOrEqual(1);
	});
});

it("100 replays that wait for paused webhooks are passed in a look", async () => {
	await using test = await openTestEngine();
	const start = async (settings: Partial<NewWebhook>, projectId = test.projectId) => {
		const { id } = await test.createWebhook(NOBODY, settings, projectId);
		if (settings.customerId !== undefined) await test.engine.webhooks.pause(test.change, id);
		return test.engine.replays.start(changeIn(projectId), id, ALL);
	};
	for (let n = 0; n < 100; n++) await start({ customerId: `customer-${n}` });
	const other = test.in((await test.engine.projects.create("Other", null)).id);
	const replay = await start({}, other.projectId);
	// The time of the first look, and no more.
	test.clock.advance(20);
	await eventually("the replay has ended", async () => {
		const { status } = await test.engine.replays.get(other.scope, replay.id);
		return status === "Finished";
	});
});

describe("two replays to one webhook", () => {
	it("make their steps in turns, although the room for them is the webhook's", async () => {
		await using receiver = await startReceiver();
		const { store, asked } = await openAskedStore();
		await using test = await openTestEngine({ store });
		const event = eventInput({ type: "old" });
		await Promise.all(Array.from({ length: 400 }, () => test.engine.intake.send(test.change.scope, event)));
		const settings = { eventTypes: ["live"], rateLimit: { perSecond: 10 } };
		const { id } = await test.createWebhook(receiver.url, settings);
		const [first, second] = [
			await test.engine.replays.start(test.change, id, ALL),
			await test.engine.replays.start(test.change, id, ALL),
		];
		for (let passedMs = 0; passedMs < 8_000; passedMs += 10) {
			test.clock.advance(10);
			await passTurns(10);
		}
		const steps = (replayId: string) => asked.filter((one) => one === replayId).length;
		expect(steps(first.id)).toBeGreaterThan(5);
		expect(Math.abs(steps(first.id) - steps(second.id))).toBeLessThanOrEqual(1);
	});
});

describe("the running replays of a project", () => {
	it("have a limit in all for the second ones of customers, which those of other projects do not use up", async () => {
		await using test = await openTestEngine({ limits: { maxReplays: 3 } });
		const other = await test.engine.projects.create("Other", null);
		const start = async (customerId: string, projectId = test.projectId) => {
			const { id } = await test.createWebhook(NOBODY, { customerId }, projectId);
			await test.engine.webhooks.pause(changeIn(projectId), id);
			return test.engine.replays.start(changeIn(projectId), id, ALL);
		};
		const [first] = [await start("acme"), await start("acme"), await start("globex")];
		await expect(start("globex")).rejects.toMatchObject({
			code: "too_many_replays",
			message: expect.stringMatching(/^Many replays are running, so a customer can have only one/),
		});
		await start("globex", other.id);
		await start("globex", other.id);
		await test.engine.replays.cancel(test.change, first.id);
		await start("globex");
		// Nobody is kept from a first one by those of others.
		await start("initech");
		await expect(start("initech")).rejects.toMatchObject({ code: "too_many_replays" });
	});
});
