// The hub alone: positions, filters, limits, and dropped clients. live.test.ts tests what the engine publishes.
import { describe, expect, it } from "vitest";

import { createAloneWire } from "../../adapters/alone/alone-wire.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { EVERY_CUSTOMER } from "../../core/access/customer.ts";
import { generateSecretKey, makeKey, rolledKey, type ApiKey } from "../../core/access/key.ts";
import { customerScope, projectScope, type Principal } from "../../core/access/principal.ts";
import type { LiveFact, LiveFilter, LiveSignal } from "../../core/live.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { Records } from "../../ports/contract/store/records/records.ts";
import type { LivePollResult, LiveRequest, LiveSubscription } from "../live-calls.ts";
import { ANY_ITEM } from "../test/arrangements.ts";
import { membershipOf } from "../test/test-engine.ts";
import { LiveHub, type LiveLimits } from "./live-hub.ts";

const REFUSED = expect.objectContaining({ code: "too_many_streams" });
const accepted = (n: number, eventType = "a.b"): LiveFact => {
	return { kind: "event.accepted", eventId: `evt_${n}`, eventType, deliveryCount: 1 };
};
const updated = (webhookId: string): LiveFact => {
	return { kind: "webhook.updated", webhookId, status: "Paused", reason: null };
};
const of = (key: ApiKey): Principal => ({ kind: "key", key, digest: key.digest, session: null });

function newKey(id: string, expireDate: number | null = null): ApiKey {
	const input = { name: "k", scope: "read", projectId: null, expireDate } as const;
	return makeKey(id, generateSecretKey(systemChance), input, 0);
}

function setUp(limits: Partial<LiveLimits> = {}, member = { isMember: true }) {
	const clock = new ManualClock();
	const directory = { project: () => new Records().project() };
	const parts = { chance: systemChance, clock, wire: createAloneWire(), membership: membershipOf(member) };
	const hub = new LiveHub(parts, limits, { directory });
	let abandoned = 0;
	const request = { kind: "api", scope: projectScope("p"), principal: of(newKey("k")), filter: ANY_ITEM } as const;
	const watch = (changes: Partial<LiveRequest> = {}) =>
		hub.subscribe({ ...request, lastEventId: null, abandon: () => abandoned++, ...changes });
	const watchIn = (...projectIds: readonly string[]) =>
		projectIds.map((projectId) => watch({ scope: projectScope(projectId) }));
	return {
		clock,
		hub,
		watch,
		watchIn,
		abandoned: () => abandoned,
		publish: (n: number) => hub.publish("p", accepted(n)),
	};
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

describe("the access of a client's caller", () => {
	const secretKeys = [generateSecretKey(systemChance), generateSecretKey(systemChance)] as const;

	it("ends the stream when the key expires, at once", async () => {
		const { clock, hub, watch } = setUp();
		const client = watch({ principal: of(newKey("k", clock.now() + 100_000)) });
		const other = watch();
		await read(client);
		await read(other);
		clock.advance(99_999);
		hub.publish("p", accepted(1));
		expect(await read(client)).toEqual([1]);
		const waiting = client.next();
		clock.advance(1);
		expect(await waiting).toEqual([{ type: "end", reason: expect.stringContaining("access") as string }]);
		expect(await read(client)).toBeNull();
		expect(await read(other)).toEqual([1]);
	});

	it("may have ended while its process can't tell: items are held back then, and those whose access has ended get none", async () => {
		const member = { isMember: true };
		const { clock, hub, watch, publish } = setUp({}, member);
		const [ended, other, busy] = [
			watch(),
			watch({ principal: of(newKey("o")) }),
			watch({ principal: of(newKey("b")) }),
		];
		for (const client of [ended, other, busy]) await read(client);
		const got: unknown[] = [];
		const waiting = [ended, other].map((client) => read(client).then((signals) => got.push(signals)));
		member.isMember = false;
		publish(1);
		publish(2);
		waiting.push(read(busy).then((signals) => got.push(signals)));
		clock.advance(5_000);
		await new Promise((resolve) => setImmediate(resolve));
		expect(got).toEqual([]);
		hub.keysDeleted(new Set(["k"]));
		member.isMember = true;
		clock.advance(1_000);
		await Promise.all(waiting);
		expect(got).toEqual([["end"], [1, 2], [1, 2]]);
		const next = read(other);
		publish(3);
		expect(await next).toEqual([3]);
	});

	it("gives what was held back with the next item at the latest, and drops a client for which too much was held back", async () => {
		const member = { isMember: true };
		const { watch, publish } = setUp({ kept: 2 }, member);
		const client = watch();
		await read(client);
		member.isMember = false;
		const waiting = read(client);
		publish(1);
		member.isMember = true;
		publish(2);
		expect(await waiting).toEqual([1, 2]);
		member.isMember = false;
		const dropped = read(client);
		for (const n of [3, 4, 5]) publish(n);
		expect(await dropped).toEqual(["dropped"]);
		// As much as is kept, and then one more when it may be told.
		member.isMember = true;
		const other = watch();
		await read(other);
		member.isMember = false;
		const pushedOut = read(other);
		for (const n of [6, 7]) publish(n);
		member.isMember = true;
		publish(8);
		expect(await pushedOut).toEqual(["dropped"]);
	});

	it("ends it soon if the key has expired between two looks at the clock, or the clock was set forward beyond the end", async () => {
		const { clock, watch } = setUp();
		const expired = watch({ principal: of(newKey("k", clock.now())) });
		clock.advance(0);
		expect(await read(expired)).toEqual(["end"]);
		const client = watch({ principal: of(newKey("k", clock.now() + 7_200_000)) });
		await read(client);
		clock.step(7_200_000);
		clock.advance(30_000);
		expect(await read(client)).toEqual(["end"]);
	});

	it("ends it when the overlap after a roll ends, unless it was opened with the new secret key", async () => {
		const { clock, hub, watch } = setUp();
		const key = newKey("k");
		const rolled = rolledKey(key, secretKeys[1], 60_000, clock.now());
		const [old, unaffected] = [watch({ principal: of(key) }), watch({ principal: of(newKey("other")) })];
		hub.keyChanged(rolled);
		const fresh = watch({ principal: of(rolled) });
		clock.advance(59_999);
		expect(await read(old)).toEqual(["heartbeat"]);
		clock.advance(1);
		const signals = [await read(old), await read(fresh), await read(unaffected)];
		expect(signals).toEqual([["end"], ["heartbeat"], ["heartbeat"]]);
		hub.keyChanged(rolledKey(rolled, secretKeys[0], 0, clock.now()));
		expect(await read(fresh)).toEqual(["end"]);
	});

	it("keeps no timer for a stream that has ended", async () => {
		const { clock, hub, watch, abandoned } = setUp();
		const key = newKey("k", clock.now() + 10_000);
		const client = watch({ principal: of(key) });
		client.close();
		hub.keyChanged(rolledKey(key, secretKeys[1], 0, clock.now()));
		clock.advance(60_000);
		expect([await read(client), abandoned()]).toEqual([null, 0]);
	});
});

describe("a client", () => {
	it("is first told its position, then gets each item of its project since then once, in order, whether it waits or not", async () => {
		const { hub, watch, publish } = setUp();
		watch();
		publish(0);
		const client = watch();
		expect(await read(client)).toEqual(["heartbeat"]);
		publish(1);
		hub.publish("other", accepted(7));
		publish(2);
		expect(await read(client)).toEqual([1, 2]);
		const waiting = read(client);
		publish(3);
		publish(4);
		expect(await waiting).toEqual([3]);
		expect(await read(client)).toEqual([4]);
	});

	it.each<[string, Partial<LiveFilter>, (number | string)[]]>([
		["kinds", { kinds: ["webhook.updated"] }, ["webhook.updated", "webhook.updated"]],
		["a webhook", { webhookId: "w1" }, ["webhook.updated"]],
		["an event type", { eventTypes: ["a.b"] }, [1]],
		["a prefix", { eventTypes: ["a.*", "none"] }, [1, 2]],
		["all together", { kinds: ["event.accepted"], eventTypes: ["c"] }, [3]],
	])("gets only what its filter on %s lets through", async (_what, filter, expected) => {
		const { hub, watch } = setUp();
		const client = watch({ filter: { ...ANY_ITEM, ...filter } });
		await read(client);
		const facts = [accepted(1, "a.b"), accepted(2, "a.c.d"), updated("w1"), accepted(3, "c"), updated("w2")];
		for (const fact of facts) hub.publish("p", fact);
		expect(await read(client)).toEqual(expected);
	});

	it("gets what is about a customer, or for it beside others, and nothing without a customer, if it filters by customer", async () => {
		const { hub, watch } = setUp();
		const client = watch({ filter: { ...ANY_ITEM, customerId: "acme" } });
		await read(client);
		const about = [null, "acme", "globex", ["globex", "acme"], ["globex"], [], EVERY_CUSTOMER];
		for (const [index, customers] of about.entries()) hub.publish("p", accepted(index), customers);
		expect(await read(client)).toEqual([1, 3, 6]);
	});

	it("gets a heartbeat with its new position after 15 s without an item that it wants", async () => {
		const { clock, hub, watch } = setUp();
		const client = watch({ filter: { ...ANY_ITEM, kinds: ["webhook.updated"] } });
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
		for (const n of [1, 2]) publish(n);
		const lastEventId = await lastId(client);
		client.close();
		for (const n of [3, 4]) publish(n);
		expect(await read(watch({ lastEventId }))).toEqual(["heartbeat", 3, 4]);
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
		const lastEventId = await lastId(setUp().watch());
		const after = setUp();
		after.watch();
		after.publish(1);
		const signals = await after.watch({ lastEventId }).next();
		expect(signals?.map(short)).toEqual(["gap", 1]);
		const gap = { reason: expect.stringMatching(/has restarted/), id: expect.stringMatching(/-0$/) };
		expect(signals?.[0]).toMatchObject(gap);
	});

	it.each(["", "nonsense", "0000000000000000-1", "x".repeat(100_000), "-1", "0123456789abcdef-99999999999999999999"])(
		"is told of a gap when its id is invalid: %.20s",
		async (lastEventId) => {
			const { watch } = setUp();
			expect(await read(watch({ lastEventId }))).toEqual(["gap"]);
		},
	);

	it("gets the items of its project when it resumes within a minute, after which none are kept unless somebody watches", async () => {
		const { clock, hub, watch, publish } = setUp();
		expect(hub.watches("p")).toBe(false);
		const client = watch();
		const lastEventId = await lastId(client);
		client.close();
		clock.advance(59_000);
		publish(1);
		const again = watch({ lastEventId });
		expect(await read(again)).toEqual(["heartbeat", 1]);
		hub.poll({ scope: projectScope("p"), filter: ANY_ITEM, lastEventId: null, limit: 1 });
		clock.advance(600_000);
		expect(hub.watches("p")).toBe(true);
		again.close();
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

	it("refuse a project that has half of what the others leave free, and allow new streams when others have gone", () => {
		const { watch, watchIn, publish } = setUp({ maxStreams: 8, kept: 1 });
		const [first] = Array.from({ length: 4 }, () => watch());
		expect(() => watch()).toThrow(REFUSED);
		watchIn("q", "q");
		expect(() => watchIn("q")).toThrow(REFUSED);
		first?.close();
		first?.close();
		// Others have 2 of 8, so 3 are the share.
		expect(() => watch()).toThrow(REFUSED);
		// The clients of p are dropped. They no longer count, although they still have to take the last signal.
		for (const n of [1, 2]) publish(n);
		watchIn("p", "p", "p");
		expect(() => watch()).toThrow(/its share/);
	});

	it("give the page places of its own, so that the programs of a project leave it some, and it leaves them theirs", async () => {
		const { hub, watch } = setUp({ maxStreams: 20 });
		const page = (projectId: string) => watch({ kind: "page", scope: projectScope(projectId) });
		for (let n = 0; n < 10; n++) watch();
		expect(() => watch()).toThrow(REFUSED);
		// 0.2 of 20 are 4, of which a project has 2, and the next ones have one each.
		const [, second] = [page("p"), page("p")];
		expect(() => page("p")).toThrow(REFUSED);
		for (const projectId of ["q", "r"]) page(projectId);
		await read(second);
		// None is free now, so one of the project with most ends, and none of its programs.
		page("s");
		expect(await second.next()).toEqual([{ type: "end", reason: expect.stringMatching(/another project/) }]);
		expect(hub.streams("api")).toEqual({ used: 10, allowed: 20 });
		expect(hub.streams("page")).toEqual({ used: 4, allowed: 4 });
		expect(hub.streams("customers")).toEqual({ used: 0, allowed: 8 });
	});

	it("give customers places of their own, of which the customer of the project who has most loses one to another who has none", async () => {
		const { hub, watch } = setUp({ maxStreams: 20 });
		const open = (customerId: string) => watch({ scope: customerScope("p", customerId) });
		// 0.4 of 20 are 8, of which a project has 4.
		const [first, second, third] = [open("greedy"), open("greedy"), open("greedy")];
		const modest = open("modest");
		for (const client of [first, second, third, modest]) await read(client);
		const late = open("late");
		expect(await third.next()).toEqual([{ type: "end", reason: expect.stringMatching(/another client/) }]);
		expect(() => open("greedy")).toThrow(REFUSED);
		open("later");
		expect(await read(second)).toEqual(["end"]);
		// Each of four has one.
		expect(() => open("last")).toThrow(REFUSED);
		hub.publishTo("p", "greedy", accepted(1));
		expect([await read(late), await read(first)]).toEqual([["heartbeat"], [1]]);
		// Those of projects are not touched.
		for (let n = 0; n < 10; n++) watch();
		expect(() => watch()).toThrow(REFUSED);
	});

	it("drop the oldest items of the projects that have most when there are too many in all, and spare the others", async () => {
		const { hub, watchIn } = setUp({ kept: 100, keptInAll: 150 });
		const clients = watchIn("small", "large", "huge");
		for (const client of clients) await read(client);
		for (let n = 0; n < 20; n++) hub.publish("small", accepted(n));
		for (let n = 0; n < 60; n++) hub.publish("large", accepted(n));
		for (let n = 0; n < 71; n++) hub.publish("huge", accepted(n));
		// 135 are left, of which small has its 20.
		const [small, large, huge] = await Promise.all(clients.map(read));
		expect([large, huge]).toEqual([["dropped"], ["dropped"]]);
		expect(small).toHaveLength(20);
		const again = hub.poll({ scope: projectScope("huge"), filter: ANY_ITEM, lastEventId: "x", limit: 1_000 });
		expect(again.items).toHaveLength(58);
	});

	it("return at most 100 signals at once", async () => {
		const { watch, publish } = setUp();
		const client = watch();
		await read(client);
		for (let n = 0; n < 220; n++) publish(n);
		const sizes = [await read(client), await read(client), await read(client)].map((signals) => signals?.length);
		expect(sizes).toEqual([100, 100, 20]);
	});
});

describe("a client that polls", () => {
	const poll = (hub: LiveHub, lastEventId: string | null, changes: { filter?: LiveFilter; limit?: number } = {}) =>
		hub.poll({ scope: projectScope("p"), filter: ANY_ITEM, limit: 10, ...changes, lastEventId });
	const numbers = ({ items }: LivePollResult) => items.map((item) => short({ type: "item", item }));

	it("gets each item once, in order, and takes no stream", () => {
		const { hub, watch, publish } = setUp({ maxStreams: 1 });
		watch();
		const first = poll(hub, null);
		expect(first).toMatchObject({ items: [], gap: null, hasMore: false });
		for (let n = 1; n <= 12; n++) publish(n);
		const second = poll(hub, first.lastEventId);
		expect([numbers(second), second.hasMore]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], true]);
		const third = poll(hub, second.lastEventId);
		expect([numbers(third), third.hasMore]).toEqual([[11, 12], false]);
		expect(numbers(poll(hub, third.lastEventId))).toEqual([]);
	});

	it("goes on where its stream ended, and the other way round", async () => {
		const { hub, watch, publish } = setUp();
		const stream = watch();
		publish(1);
		const lastEventId = await lastId(stream);
		stream.close();
		publish(2);
		const polled = poll(hub, lastEventId);
		publish(3);
		expect(numbers(polled)).toEqual([2]);
		expect(await read(watch({ lastEventId: polled.lastEventId }))).toEqual(["heartbeat", 3]);
	});

	it("keeps the items of a project that nobody else watches, for a minute after each poll", () => {
		const { clock, hub, publish } = setUp();
		let { lastEventId } = poll(hub, null);
		for (let n = 1; n <= 3; n++) {
			clock.advance(59_999);
			publish(n);
			const polled = poll(hub, lastEventId);
			expect(numbers(polled)).toEqual([n]);
			({ lastEventId } = polled);
		}
		clock.advance(60_000);
		expect(hub.watches("p")).toBe(false);
		expect(poll(hub, lastEventId)).toMatchObject({ items: [], gap: expect.stringMatching(/has restarted/) });
	});

	it("passes over what its filter does not let through, and is refused when the server stops", () => {
		const { hub, publish } = setUp();
		const { lastEventId } = poll(hub, null);
		publish(1);
		hub.publish("p", updated("w"));
		const polled = poll(hub, lastEventId, { filter: { ...ANY_ITEM, kinds: ["webhook.updated"] } });
		expect([numbers(polled), polled.lastEventId]).toEqual([["webhook.updated"], lastEventId.replace(/-0$/, "-2")]);
		hub.close();
		expect(() => poll(hub, null)).toThrow(expect.objectContaining({ code: "shutting_down" }));
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
		const streams = [
			["k1", "p"],
			["k2", "p"],
			["k1", "q"],
			["k3", "q"],
		] as const;
		const clients = streams.map(([key, project]) =>
			watch({ principal: of(newKey(key)), scope: projectScope(project) }),
		);
		for (const client of clients) await read(client);
		const nexts = clients.map(read);
		hub.keysDeleted(new Set(["k1"]));
		hub.projectDeleted("q");
		expect([await nexts[0], await nexts[2], await nexts[3]]).toEqual([["end"], ["end"], ["end"]]);
		hub.publish("p", accepted(1));
		expect(await nexts[1]).toEqual([1]);
		expect(hub.watches("q")).toBe(false);
	});
});
