// Relays in the engine: what clients are given and answer, and what happens while none is there.
import { describe, expect, it, onTestFinished } from "vitest";

import { createAloneWire } from "../../adapters/alone/alone-wire.ts";
import { relayEndpoint, relayIdOf } from "../../core/receivers/relay.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type {
	NewRelay,
	RelayClientOptions,
	RelayRequest,
	RelaySignal,
	RelaySubscription,
	ShownRelay,
} from "../relay-calls.ts";
import { codeOf } from "../test/arrangements.ts";
import {
	eventually,
	membershipOf,
	openTestEngine,
	type TestEngine,
	type TestEngineOptions,
} from "../test/test-engine.ts";

const SECRET = new Uint8Array(32).fill(7);
const NOBODY: RelayClientOptions = { principal: null, abandon: () => {} };
const OK = {
	status: 200,
	headers: [
		["Set-Cookie", "a"],
		["set-cookie", "b"],
	],
	body: Buffer.from("fine"),
} as const;

class RelayWorld {
	readonly test: TestEngine;
	constructor(test: TestEngine) {
		this.test = test;
	}

	put(settings: Partial<NewRelay> = {}, secret = SECRET): Promise<ShownRelay> {
		const none = { eventTypes: null, customerId: null, mirrorOf: null };
		const defaults = { device: "laptop", name: "laptop", timeoutMs: 30_000, ...none };
		return this.test.engine.relays.put(this.test.change, { ...defaults, ...settings }, secret);
	}

	async open(relay: ShownRelay, options = NOBODY): Promise<Client> {
		const id = relayIdOf(relay.webhookId);
		return new Client(this.test, id, await this.test.engine.relays.open(this.test.scope, id, options));
	}

	status(relay: ShownRelay) {
		return this.test.engine.relays.get(this.test.scope, relayIdOf(relay.webhookId)).then(({ webhook, connected }) => {
			return [webhook.status, webhook.pausedReason, connected];
		});
	}

	/** Lets a relay without a client become away. */
	async becomeAway(relay: ShownRelay): Promise<void> {
		this.test.clock.advance(10_000);
		await eventually("the relay to be away", async () => (await this.status(relay))[1] === "away");
	}
}

/** A client that reads its stream all the time, until it is told to stop. */
class Client {
	readonly signals: RelaySignal[] = [];
	readonly #test: TestEngine;
	readonly #relayId: string;
	readonly #subscription: RelaySubscription;
	readonly ended: Promise<void>;
	#frozen = false;

	constructor(test: TestEngine, relayId: string, subscription: RelaySubscription) {
		this.#test = test;
		this.#relayId = relayId;
		this.#subscription = subscription;
		this.ended = this.#read();
	}

	async #read(): Promise<void> {
		while (!this.#frozen) {
			const signals = await this.#subscription.next();
			if (signals === null) return;
			this.signals.push(...signals.filter(({ type }) => type !== "heartbeat"));
		}
	}

	/** Reads no more. */
	freeze(): void {
		this.#frozen = true;
	}

	get requests(): RelayRequest[] {
		return this.signals.flatMap((signal) => (signal.type === "request" ? [signal.request] : []));
	}

	get end(): string | undefined {
		return this.signals.flatMap((signal) => (signal.type === "end" ? [signal.code] : []))[0];
	}

	request(count = 1): Promise<RelayRequest> {
		return eventually(`${count} requests`, () => this.requests[count - 1]);
	}

	answer(requestId: string, answer: Parameters<TestEngine["engine"]["relays"]["answer"]>[3] = OK): Promise<void> {
		return this.#test.engine.relays.answer(this.#test.scope, this.#relayId, requestId, answer);
	}

	close(): void {
		this.#subscription.close();
	}
}

async function openWorld(options: TestEngineOptions = {}) {
	const test = await openTestEngine(options);
	onTestFinished(() => test[Symbol.asyncDispose]());
	return { world: new RelayWorld(test), test };
}

describe("a relay", () => {
	it("is a webhook whose requests its client answers", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put({ eventTypes: ["order.*"] });
		expect(relay.webhook).toMatchObject({ endpoint: relayEndpoint(relay.webhookId), eventTypes: ["order.*"] });
		const client = await world.open(relay);
		await test.send({ type: "user.created" });
		const eventId = await test.send({ type: "order.paid" });
		const request = await client.request();
		expect(client.signals.map(({ type }) => type)).toEqual(["ready", "request"]);
		expect(request).toMatchObject({ eventId, attemptNumber: 1, trigger: "auto", timeoutMs: 30_000 });
		expect(request.requestId).toBe(`${request.deliveryId}.1`);
		expect(request.headers.map(([name]) => name)).toEqual([
			"content-type",
			"user-agent",
			"webhook-id",
			"webhook-timestamp",
			"webhook-signature",
		]);
		await client.answer(request.requestId);
		const delivery = await test.delivery(eventId, { status: "Succeeded" });
		expect(await test.attempts(delivery.id)).toMatchObject([
			{ responseCode: 200, response: { headers: { "set-cookie": "a, b" }, body: "fine", bodyTruncated: false } },
		]);
		expect(test.observer.problems).toEqual([]);
	});

	it("retries what its client answers with an error, as any other webhook", async () => {
		const { world, test } = await openWorld();
		const client = await world.open(await world.put());
		const eventId = await test.send();
		await client.answer((await client.request()).requestId, {
			error: "refused",
			reason: "nothing listens on localhost:3000",
		});
		const delivery = await test.delivery(eventId, { attemptCount: 1, status: "Pending" });
		test.clock.advance(60_000);
		const second = await client.request(2);
		expect(second.requestId).toBe(`${delivery.id}.2`);
		await client.answer(second.requestId, { status: 500, headers: [], body: new Uint8Array() });
		await test.delivery(eventId, { attemptCount: 2 });
		expect(await test.attempts(delivery.id)).toMatchObject([
			{ error: "refused", reason: "nothing listens on localhost:3000", responseCode: 0, response: null },
			{ error: null, responseCode: 500 },
		]);
	});

	it.each(["refused", "timeout", "reset"] as const)(
		"has its client's answer as the result of the attempt: %s",
		async (error) => {
			const { world, test } = await openWorld();
			const client = await world.open(await world.put());
			const eventId = await test.send();
			await client.answer((await client.request()).requestId, { error, reason: "as the client says" });
			const { id } = await test.delivery(eventId, { attemptCount: 1, status: "Pending" });
			expect(await test.attempts(id)).toMatchObject([{ error, reason: "as the client says", response: null }]);
		},
	);

	it("keeps the lease of an attempt for as long as its client may take to answer, and longer", async () => {
		const { world, test } = await openWorld({ limits: { leaseMs: 70_000 } });
		const client = await world.open(await world.put({ timeoutMs: 60_000 }));
		const eventId = await test.send();
		const { requestId, timeoutMs } = await client.request();
		expect(timeoutMs).toBe(60_000);
		for (let second = 0; second < 60; second++) {
			test.clock.advance(1_000);
			// The poll that renews leases is asynchronous, though the store in this thread is not.
			await new Promise((resolve) => setImmediate(resolve));
			const [delivery] = await test.deliveries({ eventId });
			expect(delivery?.leaseUntil).toBeGreaterThan(test.clock.now() + 10_000);
		}
		await client.answer(requestId);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(client.requests).toHaveLength(1);
	});

	it("is in the stats, and gets what is replayed", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const client = await world.open(relay);
		const eventId = await test.send();
		await client.answer((await client.request()).requestId);
		const { id } = await test.delivery(eventId, { status: "Succeeded" });
		const chosen = { eventIds: [eventId], since: 0, until: null, outcomes: ["Succeeded"], eventTypes: null } as const;
		await test.engine.replays.start(test.change, relay.webhookId, chosen);
		test.clock.advance(20);
		const again = await client.request(2);
		expect(again).toMatchObject({ eventId, attemptNumber: 1, trigger: "replay" });
		expect(again.deliveryId).not.toBe(id);
		await client.answer(again.requestId);
		await test.delivery(eventId, { id: again.deliveryId ?? "", status: "Succeeded" });
		const hour = { width: "hour", from: null, to: null } as const;
		const { deliveries } = await test.engine.stats.read(test.scope, relay.webhookId, hour);
		expect(deliveries).toMatchObject({ Succeeded: 2, Pending: 0, Held: 0 });
	});

	it("takes the first of several answers, and refuses those to requests that are not under way", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const client = await world.open(relay);
		const eventId = await test.send();
		const { requestId } = await client.request();
		for (const status of [204, 500, 200])
			await client.answer(requestId, { status, headers: [], body: new Uint8Array() });
		await test.delivery(eventId, { status: "Succeeded", responseCode: 204 });
		for (const unknown of [`${requestId}1`, "x"]) {
			expect(await codeOf(client.answer(unknown))).toBe("request_not_open");
		}
		const other = await world.put({ device: "other" });
		const foreign = await world.open(other);
		await test.send();
		const ofFirst = await client.request(2);
		expect(await codeOf(foreign.answer(ofFirst.requestId))).toBe("request_not_open");
	});

	it("is away ten seconds after its client: deliveries are Held, no retry is used, and its return resumes them", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const first = await world.open(relay);
		const underWay = await test.send();
		const { requestId } = await first.request();
		first.close();
		expect(await world.status(relay)).toEqual(["Enabled", null, false]);
		await world.becomeAway(relay);
		await test.delivery(underWay, { status: "Held", attemptCount: 0, reason: "the webhook is paused: away" });
		const later = await test.send();
		await test.delivery(later, { status: "Held", attemptCount: 0 });
		const second = await world.open(relay);
		await second.request(2);
		expect(second.requests.map((one) => one.requestId)).toContain(requestId);
		for (const one of second.requests) await second.answer(one.requestId);
		for (const eventId of [underWay, later]) await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(await world.status(relay)).toEqual(["Enabled", null, true]);
	});

	it("waits with many others for no process that does not know yet that they are away", async () => {
		let confirmed = Promise.resolve();
		const { world } = await openWorld({ wire: { ...createAloneWire(), changed: () => confirmed } });
		const relays: ShownRelay[] = [];
		for (let n = 0; n < 10; n++) relays.push(await world.put({ device: `laptop ${n}` }));
		for (const relay of relays) (await world.open(relay)).close();
		confirmed = new Promise(() => {});
		for (const relay of relays) await world.becomeAway(relay);
		for (const relay of relays) await world.open(relay);
		await eventually("all to be back", async () => {
			const states = await Promise.all(relays.map((relay) => world.status(relay)));
			return states.every(([status]) => status === "Enabled");
		});
	});

	it("is not away because another process says so, which has died before it heard of the client here", async () => {
		let follow = (_projectId: string | null, _version: number) => Promise.resolve();
		const alone = createAloneWire();
		const relays = { ...alone.relays, isKnown: true };
		const { world } = await openWorld({ wire: { ...alone, relays, follow: (read) => void (follow = read) } });
		const { store, projectId } = world.test;
		const relay = await world.put();
		await world.open(relay);
		const [record] = await store.webhookRecords([relay.webhookId]);
		if (record === undefined) throw new Error("the relay is not stored");
		const away = { ...record, status: "Paused", pausedReason: "away" } as const;
		const options = { expected: record.revision, entry: null, resetHealth: false };
		const version = await store.updateWebhook(away, options);
		expect(await world.status(relay)).toEqual(["Paused", "away", true]);
		await follow(projectId, Number(version));
		await eventually("it to be back", async () => (await world.status(relay))[0] === "Enabled");
	});

	it("gives requests under way again, under the same ids, to a client that comes back in time", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const first = await world.open(relay);
		const eventId = await test.send();
		const { requestId } = await first.request();
		first.close();
		test.clock.advance(9_999);
		const second = await world.open(relay);
		expect(await second.request()).toMatchObject({ requestId, timeoutMs: 20_001 });
		await second.answer(requestId);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		test.clock.advance(10_000);
		expect(await world.status(relay)).toEqual(["Enabled", null, true]);
	});

	it("belongs to the newest client, and tells the older one", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const older = await world.open(relay);
		const eventId = await test.send();
		const { requestId } = await older.request();
		const newer = await world.open(relay);
		await older.ended;
		expect(older.end).toBe("replaced");
		expect((await newer.request()).requestId).toBe(requestId);
		// The older one had it first, and may still answer.
		await older.answer(requestId);
		await test.delivery(eventId, { status: "Succeeded" });
		test.clock.advance(10_000);
		expect(await world.status(relay)).toEqual(["Enabled", null, true]);
		expect(test.observer.problems).toEqual([]);
	});

	it("never undoes what a person has paused", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		await test.engine.webhooks.pause(test.change, relay.webhookId);
		const client = await world.open(relay);
		client.close();
		test.clock.advance(10_000);
		await world.open(relay);
		expect(await world.status(relay)).toEqual(["Paused", null, true]);
		await test.engine.webhooks.resume(test.change, relay.webhookId);
		const again = await world.open(relay);
		again.close();
		await world.becomeAway(relay);
		// While it is away, a person wants it paused for good.
		await test.engine.webhooks.pause(test.change, relay.webhookId);
		await world.open(relay);
		expect(await world.status(relay)).toEqual(["Paused", null, true]);
	});

	it("is away again if a person resumes it while no client is there", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		(await world.open(relay)).close();
		await world.becomeAway(relay);
		await test.engine.webhooks.resume(test.change, relay.webhookId);
		const eventId = await test.send();
		await test.delivery(eventId, { status: "Pending" });
		await world.becomeAway(relay);
		await test.delivery(eventId, { status: "Held", attemptCount: 0 });
	});

	it("loses a client that is silent, and uses no retry for that", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put({ timeoutMs: 5_000 });
		const frozen = await world.open(relay);
		const eventId = await test.send();
		const { requestId } = await frozen.request();
		frozen.freeze();
		test.clock.advance(7_000);
		expect(await eventually("the end", () => frozen.end)).toBe("silent");
		await test.delivery(eventId, { status: "Pending", attemptCount: 0 });
		const awake = await world.open(relay);
		expect((await awake.request()).requestId).toBe(requestId);
		await awake.answer(requestId);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});

	it("counts a client that never answers as a receiver that does not respond, the third time", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put({ timeoutMs: 5_000 });
		const eventId = await test.send();
		for (let time = 1; time <= 3; time++) {
			const client = await world.open(relay);
			await client.request();
			test.clock.advance(7_000);
			if (time < 3) await client.ended;
		}
		const delivery = await test.delivery(eventId, { attemptCount: 1, status: "Pending" });
		expect(await test.attempts(delivery.id)).toMatchObject([{ error: "timeout", responseCode: 0 }]);
	});

	it("counts a request as unanswered at once if its client has answered a later one", async () => {
		const { world, test } = await openWorld();
		const client = await world.open(await world.put({ timeoutMs: 5_000 }));
		const forgotten = await test.send();
		await client.request();
		test.clock.advance(1_000);
		const eventId = await test.send();
		await client.answer((await client.request(2)).requestId);
		await test.delivery(eventId, { status: "Succeeded" });
		test.clock.advance(6_000);
		await test.delivery(forgotten, { attemptCount: 1, status: "Pending" });
		expect(client.end).toBeUndefined();
	});

	it("can be checked by the answers of its client", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const asked = { eventType: null, dataJson: null, checks: ["stale"], burst: null, slowMs: null };
		const client = await world.open(relay);
		const checked = test.engine.webhooks.conform(test.change, relay.webhookId, asked);
		for (const count of [1, 2]) await client.answer((await client.request(count)).requestId);
		expect(await checked).toMatchObject({ endedEarly: null, requestCount: 2, conforms: false });
	});

	it("can be tested, and says what the client answers", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const client = await world.open(relay);
		const tested = test.engine.webhooks.test(test.change, relay.webhookId, null);
		const request = await client.request();
		expect(request).toMatchObject({ deliveryId: null, trigger: "test" });
		await client.answer(request.requestId);
		expect(await tested).toMatchObject({ status: "Ok", responseCode: 200 });
	});
});

describe("the relay of a device", () => {
	it("is changed and not made twice, with a secret that then signs alone", async () => {
		const { world, test } = await openWorld();
		const [first, same] = await Promise.all([world.put(), world.put()]);
		expect(same?.webhookId).toBe(first?.webhookId);
		const changed = await world.put({ name: "renamed", eventTypes: ["a"] }, new Uint8Array(32).fill(8));
		expect(changed.webhook).toMatchObject({ id: first?.webhookId, name: "renamed", eventTypes: ["a"] });
		const [record] = await test.store.webhookRecords([changed.webhookId]);
		expect(record?.secrets).toHaveLength(1);
		expect(await test.engine.relays.list(test.scope)).toMatchObject([{ device: "laptop" }]);
	});

	it("can't get another endpoint or secret as a webhook, and nobody can register its endpoint", async () => {
		const { world, test } = await openWorld();
		const { webhookId, webhook } = await world.put();
		const { webhooks } = test.engine;
		const refused = { code: "invalid_request" };
		await expect(webhooks.update(test.change, webhookId, { endpoint: "https://example.com/" })).rejects.toMatchObject(
			refused,
		);
		await expect(webhooks.updateSecret(test.change, webhookId, SECRET, null)).rejects.toMatchObject(refused);
		await expect(test.createWebhook(webhook.endpoint)).rejects.toMatchObject(refused);
		expect(await webhooks.update(test.change, webhookId, { eventTypes: ["b.*"] })).toMatchObject({
			eventTypes: ["b.*"],
		});
	});

	it("takes over the event types of a webhook", async () => {
		const { world } = await openWorld();
		const mirrored = await world.test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["order.paid"] });
		expect(await world.put({ mirrorOf: mirrored.id })).toMatchObject({
			mirrorOf: mirrored.id,
			webhook: { eventTypes: ["order.paid"] },
		});
		expect(await world.put({ mirrorOf: null })).toMatchObject({ mirrorOf: null, webhook: { eventTypes: null } });
		expect(await codeOf(world.put({ mirrorOf: relayEndpoint(mirrored.id) }))).toBe("webhook_not_found");
	});

	it("is refused beyond the limits of the project and of the customer, or if relays are off", async () => {
		const { world } = await openWorld({ limits: { maxRelays: 3, maxRelaysPerCustomer: 1 } });
		const tooMany = { code: "too_many_relays" };
		await world.put({ device: "a", customerId: "acme" });
		await expect(world.put({ device: "b", customerId: "acme" })).rejects.toMatchObject(tooMany);
		for (const device of ["a", "b"]) await world.put({ device });
		await expect(world.put({ device: "c" })).rejects.toMatchObject(tooMany);
		await world.put({ device: "b", name: "changed" });
		const { world: off } = await openWorld({ limits: { relays: false } });
		expect(await codeOf(off.put())).toBe("relays_off");
	});

	it("leaves nothing in the store if its webhook is refused", async () => {
		const { world } = await openWorld({ limits: { maxWebhooksPerCustomer: 1 } });
		await world.put({ device: "a", customerId: "acme" });
		for (const device of ["b", "c"]) {
			expect(await codeOf(world.put({ device, customerId: "acme" }))).toBe("too_many_webhooks");
		}
		expect(await world.test.store.relays(world.test.scope, 10)).toMatchObject([{ device: "a" }]);
	});

	it.each(["store_overloaded", "store_full"] as const)(
		"leaves nothing in the store if the store refuses its webhook: %s",
		async (code) => {
			const { world, test } = await openWorld();
			test.engineStore.insertWebhook = () => Promise.reject(new StoreError(code, "not now"));
			expect(await codeOf(world.put())).toBe(code);
			expect(await test.store.relays(test.scope, 10)).toEqual([]);
			test.engineStore.insertWebhook = (...parameters) => test.store.insertWebhook(...parameters);
			const relay = await world.put();
			expect(await test.store.relays(test.scope, 10)).toMatchObject([{ webhookId: relay.webhookId }]);
		},
	);
});

describe("the end of a relay", () => {
	it("comes with its deletion, also as a webhook: its client is told, and deliveries are cancelled", async () => {
		const { world, test } = await openWorld();
		for (const as of ["relay", "webhook"]) {
			const relay = await world.put({ device: as });
			const client = await world.open(relay);
			const eventId = await test.send({ webhookIds: [relay.webhookId] });
			await client.request();
			if (as === "relay") await test.engine.relays.delete(test.change, relayIdOf(relay.webhookId));
			else await test.engine.webhooks.delete(test.change, relay.webhookId);
			await client.ended;
			expect(client.end).toBe("deleted");
			await test.delivery(eventId, { status: "Cancelled" });
			expect(await codeOf(world.open(relay))).toBe("relay_not_found");
		}
		expect(await test.engine.relays.list(test.scope)).toEqual([]);
		// The device can come back, as another relay.
		await world.open(await world.put({ device: "webhook" }));
	});

	it("comes an hour after its client has gone, and is the reason of its cancelled deliveries", async () => {
		const { world, test } = await openWorld();
		const [gone, held] = [await world.put({ device: "gone" }), await world.put({ device: "held" })];
		(await world.open(gone)).close();
		await world.open(held);
		await world.becomeAway(gone);
		const eventId = await test.send({ webhookIds: [gone.webhookId] });
		await test.delivery(eventId, { status: "Held" });
		for (let minute = 0; minute < 62; minute++) {
			test.clock.advance(60_000);
			await eventually("the minute's work", async () => (await test.engine.relays.list(test.scope)).length > 0);
		}
		await test.delivery(eventId, { status: "Cancelled", reason: "the relay's client was gone for an hour" });
		expect(await test.engine.relays.list(test.scope)).toMatchObject([{ device: "held", connected: true }]);
	});

	it("comes with the deletion of its project or of the key that opened its stream", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const { key } = await test.engine.keys.create({ name: "k", scope: "write", projectId: test.projectId }, null);
		const ofKey = await world.open(relay, {
			principal: { kind: "key", key, digest: key.digest, session: null },
			abandon: () => {},
		});
		await test.engine.keys.delete(key.id, null);
		await ofKey.ended;
		expect(ofKey.end).toBe("revoked");
		const client = await world.open(relay);
		await test.engine.projects.delete(test.change);
		await client.ended;
		expect(client.end).toBe("deleted");
	});

	it("comes with the end of the session that opened its stream", async () => {
		const { world } = await openWorld();
		const { keys, sessions } = world.test.engine;
		const relay = await world.put();
		const { secretKey } = await keys.create({ name: "k", scope: "write", projectId: world.test.projectId }, null);
		const { token } = await sessions.signIn(sessions.prove({ key: secretKey }), null);
		const principal = sessions.authenticate(token);
		const client = await world.open(relay, { principal, abandon: () => {} });
		await sessions.signOut(principal!, false, null);
		await client.ended;
		expect(client.end).toBe("revoked");
	});

	it("refuses a stream whose key is deleted while it is opened, and gives its place back", async () => {
		const { world, test } = await openWorld({ limits: { maxStreams: 1 } });
		const relay = await world.put();
		for (let time = 0; time < 3; time++) {
			const { key } = await test.engine.keys.create({ name: "k", scope: "write", projectId: test.projectId }, null);
			test.engineStore.holdRelay = async (...parameters) => {
				const epoch = await test.store.holdRelay(...parameters);
				await test.engine.keys.delete(key.id, null);
				return epoch;
			};
			const principal = { kind: "key", key, digest: key.digest, session: null } as const;
			const opening = world.open(relay, { principal, abandon: () => {} });
			expect(await codeOf(opening)).toBe("unknown_key");
		}
		expect(await world.status(relay)).toEqual(["Enabled", null, false]);
	});

	it("refuses a stream if its process may not know of changes any more when that is opened", async () => {
		const member = { isMember: true };
		const { world } = await openWorld({ membership: membershipOf(member) });
		const relay = await world.put();
		world.test.engineStore.holdRelay = async (...parameters) => {
			const epoch = await world.test.store.holdRelay(...parameters);
			member.isMember = false;
			return epoch;
		};
		expect(await codeOf(world.open(relay))).toBe("store_unavailable");
		expect(await world.status(relay)).toEqual(["Enabled", null, false]);
	});

	it("refuses a stream if it comes while that is opened", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		test.engineStore.holdRelay = async (...parameters) => {
			const epoch = await test.store.holdRelay(...parameters);
			await test.engine.webhooks.delete(test.change, relay.webhookId);
			return epoch;
		};
		expect(await codeOf(world.open(relay))).toBe("relay_not_found");
	});

	it("does not come with a stop: the attempt is made again after it, with the same request", async () => {
		const { world, test } = await openWorld();
		const relay = await world.put();
		const client = await world.open(relay);
		const eventId = await test.send();
		await client.request();
		let isStopped = false;
		const stopped = test.engine.stop(1_000).then(() => (isStopped = true));
		expect(await codeOf(world.open(relay))).toBe("shutting_down");
		await eventually("the stop to be over", () => {
			test.clock.advance(1_000);
			return isStopped;
		});
		await stopped;
		await client.ended;
		expect(client.end).toBe("stopped");
		await test.delivery(eventId, { status: "Pending", attemptCount: 0 });
	});
});
