// The hub alone: positions, filters, limits, and dropped clients. live.test.ts tests what the engine publishes.
import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { generateSecretKey, makeKey } from "../../core/access/key.ts";
import { projectScope, type Principal } from "../../core/access/principal.ts";
import type { LiveFact, LiveFilter, LiveSignal } from "../../core/live.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import type { LiveRequest, LiveSubscription } from "../calls.ts";
import { LiveHub, type LiveLimits } from "./live-hub.ts";

const ALL: LiveFilter = { kinds: null, webhookId: null, eventTypes: null };
const accepted = (n: number, eventType = "a.b"): LiveFact => ({
	kind: "event.accepted",
	eventId: `evt_${n}`,
	eventType,
	deliveryCount: 1,
});
const updated = (webhookId: string): LiveFact => ({
	kind: "webhook.updated",
	webhookId,
	status: "Paused",
	reason: null,
});

function withKey(id: string): Principal {
	const input = { name: "k", scope: "read", projectId: null } as const;
	return { kind: "key", key: makeKey(id, generateSecretKey(systemChance), input, 0) };
}

function setUp(limits: Partial<LiveLimits> = {}) {
	const clock = new ManualClock();
	const hub = new LiveHub({ chance: systemChance, clock }, limits);
	let abandoned = 0;
	const watch = (changes: Partial<LiveRequest> = {}) =>
		hub.subscribe({
			scope: projectScope("p"),
			principal: withKey("k"),
			filter: ALL,
			lastEventId: null,
			abandon: () => abandoned++,
			...changes,
		});
	return { clock, hub, watch, abandoned: () => abandoned, publish: (n: number) => hub.publish("p", accepted(n)) };
}

/** The next signals in short: the number of the event of an item, or the type of another signal. */
async function read(subscription: LiveSubscription): Promise<(number | string)[] | null> {
	const signals = await subscription.next();
	return signals === null ? null : signals.map(short);
}

function short(signal: LiveSignal): number | string {
	if (signal.type !== "item") return signal.type;
	return signal.item.kind === "event.accepted" ? Number(signal.item.eventId.slice(4)) : signal.item.kind;
}

async function lastId(subscription: LiveSubscription): Promise<string> {
	const last = (await subscription.next())?.at(-1);
	if (last?.type === "item") return last.item.id;
	return last !== undefined && "id" in last ? last.id : "";
}

describe("a client", () => {
	it("is first told its position, then gets each item once, in order, whether it waits or not", async () => {
		const { watch, publish } = setUp();
		const client = watch();
		expect(await read(client)).toEqual(["heartbeat"]);
		publish(1);
		publish(2);
		expect(await read(client)).toEqual([1, 2]);
		const waiting = read(client);
		publish(3);
		publish(4);
		expect(await waiting).toEqual([3]);
		expect(await read(client)).toEqual([4]);
	});

	it("gets no items of other projects, and none from before it connected", async () => {
		const { hub, watch, publish } = setUp();
		watch();
		publish(1);
		const client = watch();
		hub.publish("other", accepted(7));
		publish(2);
		expect(await read(client)).toEqual(["heartbeat", 2]);
	});

	it.each<[string, Partial<LiveFilter>, (number | string)[]]>([
		["kinds", { kinds: ["webhook.updated"] }, ["webhook.updated", "webhook.updated"]],
		["a webhook", { webhookId: "w1" }, ["webhook.updated"]],
		["an event type", { eventTypes: ["a.b"] }, [1]],
		["a prefix", { eventTypes: ["a.*", "none"] }, [1, 2]],
		["all together", { kinds: ["event.accepted"], eventTypes: ["c"] }, [3]],
	])("gets only what its filter on %s lets through", async (_what, filter, expected) => {
		const { hub, watch } = setUp();
		const client = watch({ filter: { ...ALL, ...filter } });
		await read(client);
		const facts = [accepted(1, "a.b"), accepted(2, "a.c.d"), updated("w1"), accepted(3, "c"), updated("w2")];
		for (const fact of facts) hub.publish("p", fact);
		expect(await read(client)).toEqual(expected);
	});

	it("gets a heartbeat with its new position after 15 s without an item that it wants", async () => {
		const { clock, hub, watch } = setUp();
		const client = watch({ filter: { ...ALL, kinds: ["webhook.updated"] } });
		const first = await lastId(client);
		const waiting = client.next();
		hub.publish("p", accepted(1));
		clock.advance(14_999);
		hub.publish("p", accepted(2));
		clock.advance(1);
		const [beat] = (await waiting) ?? [];
		expect(beat).toEqual({ type: "heartbeat", id: first.replace(/-0$/, "-2") });
	});

	it("gets nothing more after it has closed", async () => {
		const { watch, publish } = setUp();
		const client = watch();
		await read(client);
		const waiting = read(client);
		client.close();
		client.close();
		publish(1);
		expect([await waiting, await read(client)]).toEqual([null, null]);
	});
});

describe("a client that resumes", () => {
	it("gets exactly the items that it has missed", async () => {
		const { watch, publish } = setUp();
		const client = watch();
		await read(client);
		publish(1);
		publish(2);
		const lastEventId = await lastId(client);
		client.close();
		publish(3);
		publish(4);
		const again = watch({ lastEventId });
		expect(await read(again)).toEqual(["heartbeat", 3, 4]);
	});

	it("is told of a gap when it has missed more items than are kept, and gets those that are kept", async () => {
		const { watch, publish } = setUp({ kept: 3 });
		const client = watch();
		const lastEventId = await lastId(client);
		client.close();
		for (let n = 1; n <= 3; n++) publish(n);
		expect(await read(watch({ lastEventId }))).toEqual(["heartbeat", 1, 2, 3]);
		publish(4);
		expect(await read(watch({ lastEventId }))).toEqual(["gap", 2, 3, 4]);
	});

	it("is told of a gap and its new position when the stream has restarted", async () => {
		const before = setUp();
		const old = before.watch();
		const lastEventId = await lastId(old);
		const after = setUp();
		after.watch();
		after.publish(1);
		const client = after.watch({ lastEventId });
		const signals = await client.next();
		expect(signals?.map(short)).toEqual(["gap", 1]);
		expect(signals?.[0]).toMatchObject({
			reason: expect.stringMatching(/has restarted/),
			id: expect.stringMatching(/-0$/),
		});
	});

	it.each(["", "nonsense", "0000000000000000-1", "x".repeat(100_000), "-1", "0123456789abcdef-99999999999999999999"])(
		"is told of a gap when its id is invalid: %.20s",
		async (lastEventId) => {
			const { watch } = setUp();
			expect(await read(watch({ lastEventId }))).toEqual(["gap"]);
		},
	);

	it("gets the items of its project when it resumes within a minute", async () => {
		const { clock, hub, watch, publish } = setUp();
		const client = watch();
		const lastEventId = await lastId(client);
		client.close();
		clock.advance(59_000);
		publish(1);
		expect(await read(watch({ lastEventId }))).toEqual(["heartbeat", 1]);
		clock.advance(600_000);
		expect(hub.watches("p")).toBe(true);
	});

	it("finds no items kept when nobody has resumed for a minute", async () => {
		const { clock, hub, watch } = setUp();
		expect(hub.watches("p")).toBe(false);
		watch().close();
		expect(hub.watches("p")).toBe(true);
		clock.advance(60_000);
		expect(hub.watches("p")).toBe(false);
	});
});

describe("limits", () => {
	it("drop a client that is too slow, with the reason, and no other client", async () => {
		const { clock, watch, publish, abandoned } = setUp({ kept: 3 });
		const [slow, quick] = [watch(), watch()];
		await read(slow);
		await read(quick);
		for (let n = 1; n <= 3; n++) publish(n);
		expect(await read(quick)).toEqual([1, 2, 3]);
		publish(4);
		expect(await slow.next()).toEqual([{ type: "dropped", reason: expect.stringMatching(/more slowly/) }]);
		expect(await read(slow)).toBeNull();
		expect(await read(quick)).toEqual([4]);
		clock.advance(10_000);
		expect(abandoned()).toBe(0);
	});

	it("end the connection of a client that does not take the last signal", async () => {
		const { clock, watch, publish, abandoned } = setUp({ kept: 1 });
		const client = watch();
		publish(1);
		publish(2);
		clock.advance(4_999);
		expect(abandoned()).toBe(0);
		clock.advance(1);
		expect(abandoned()).toBe(1);
		expect(await read(client)).toBeNull();
	});

	it("refuse too many clients of one project and in all, and allow new ones when others have gone", () => {
		const { watch, publish } = setUp({ maxClients: 3, maxClientsPerProject: 2, kept: 1 });
		const [first] = [watch(), watch()];
		expect(() => watch()).toThrow(expect.objectContaining({ code: "overloaded" }));
		watch({ scope: projectScope("q") });
		expect(() => watch({ scope: projectScope("r") })).toThrow(expect.objectContaining({ code: "overloaded" }));
		first.close();
		first.close();
		watch();
		expect(() => watch({ scope: projectScope("r") })).toThrow(/Too many clients/);
		// Both clients of p are dropped. They no longer count, although they still have to take the last signal.
		publish(1);
		publish(2);
		watch({ scope: projectScope("r") });
		watch({ scope: projectScope("r") });
		expect(() => watch()).toThrow(/Too many clients/);
	});

	it("return at most 500 signals at once", async () => {
		const { watch, publish } = setUp();
		const client = watch();
		await read(client);
		for (let n = 0; n < 1_200; n++) publish(n);
		const sizes = [await read(client), await read(client), await read(client)].map((signals) => signals?.length);
		expect(sizes).toEqual([500, 500, 200]);
	});
});

describe("the end", () => {
	it("reaches clients that wait and clients that don't, and new clients are refused", async () => {
		const { hub, watch } = setUp();
		const [waiting, other] = [watch(), watch()];
		await read(waiting);
		const next = read(waiting);
		hub.close();
		expect(await next).toEqual(["end"]);
		expect(await read(waiting)).toBeNull();
		expect([await read(other), await read(other)]).toEqual([["end"], null]);
		expect(() => watch()).toThrow(expect.objectContaining({ code: "shutting_down" }));
	});

	it("reaches only the streams of a deleted key or a deleted project", async () => {
		const { hub, watch } = setUp();
		const clients = [
			watch({ principal: withKey("k1") }),
			watch({ principal: withKey("k2") }),
			watch({ principal: withKey("k1"), scope: projectScope("q") }),
			watch({ principal: withKey("k3"), scope: projectScope("q") }),
		];
		for (const client of clients) await read(client);
		const nexts = clients.map(read);
		hub.keyDeleted("k1");
		hub.projectDeleted("q");
		expect([await nexts[0], await nexts[2], await nexts[3]]).toEqual([["end"], ["end"], ["end"]]);
		hub.publish("p", accepted(1));
		expect(await nexts[1]).toEqual([1]);
		expect(hub.watches("q")).toBe(false);
	});
});
