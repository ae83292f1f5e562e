// Relays in several whole engines on one database: the client, the owner of the webhook and the answer may be in three of them.
import { afterEach, beforeEach, expect, it } from "vitest";

import type { Principal } from "../../../../core/access/principal.ts";
import { relayIdOf } from "../../../../core/receivers/relay.ts";
import type {
	RelayAnswer,
	RelayRequest,
	RelaySignal,
	RelaySubscription,
	ShownRelay,
} from "../../../../engine/relay-calls.ts";
import { changeIn, eventInput, eventually } from "../../../../engine/test/test-engine.ts";
import { ANY_DELIVERY } from "../../../../ports/contract/store/records/records.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";
import { TestProcess } from "../../test/test-process.ts";

const WAIT = { interval: 20 };
const SECRET = new Uint8Array(32).fill(7);
const OK = { status: 200, headers: [], body: new Uint8Array() } as const;

/** The processes of a test by what they have to do with its relay. */
interface Roles {
	/** Makes the attempts. */
	readonly owner: TestProcess;
	/** The two others. */
	readonly others: readonly [TestProcess, TestProcess];
	readonly relay: ShownRelay;
}

describeOnPostgres("relays of several processes", (database) => {
	let processes: TestProcess[];
	beforeEach(async () => {
		await database.openEmpty();
		processes = await Promise.all(Array.from({ length: 3 }, () => TestProcess.start(database.url)));
		await isShared(processes);
	});
	afterEach(async () => {
		await Promise.all(processes.map((each) => each[Symbol.asyncDispose]()));
	});

	const isShared = async (live: readonly TestProcess[]) => {
		const least = () => Math.min(...live.map(({ member }) => member.tenure.shards()?.length ?? 0));
		await expect.poll(least, WAIT).toBeGreaterThanOrEqual(Math.floor(256 / live.length));
	};
	/** Makes a relay through the first process. */
	const makeRelay = async (timeoutMs = 30_000): Promise<Roles> => {
		const [first] = processes as [TestProcess];
		const settings = { device: "laptop", name: "laptop", eventTypes: null, customerId: null, mirrorOf: null };
		const relay = await first.engine.relays.put(changeIn(first.projectId), { ...settings, timeoutMs }, SECRET);
		const owner = processes.find(({ member }) => member.tenure.holds(relay.webhookId));
		if (owner === undefined) throw new Error("nobody owns the relay");
		const [a, b] = processes.filter((each) => each !== owner) as [TestProcess, TestProcess];
		return { owner, others: [a, b], relay };
	};
	const open = async (at: TestProcess, { webhookId }: ShownRelay, principal: Principal | null = null) => {
		const { scope } = changeIn(at.projectId);
		return new Client(await at.engine.relays.open(scope, relayIdOf(webhookId), { principal, abandon: () => {} }));
	};
	const answer = (at: TestProcess, { webhookId }: ShownRelay, requestId: string, given: RelayAnswer = OK) =>
		at.engine.relays.answer(changeIn(at.projectId).scope, relayIdOf(webhookId), requestId, given);
	const deliveryOf = async ({ store, projectId }: TestProcess, eventId: string) => {
		const filter = { ...ANY_DELIVERY, eventId };
		const page = await store.deliveries(changeIn(projectId).scope, filter, { limit: 1, cursor: null });
		return page.rows[0];
	};
	const hasStatus = (at: TestProcess, eventId: string, status: string) =>
		expect.poll(async () => (await deliveryOf(at, eventId))?.status, WAIT).toBe(status);
	const shown = async (at: TestProcess, { webhookId }: ShownRelay) => {
		const { webhook, connected } = await at.engine.relays.get(changeIn(at.projectId).scope, relayIdOf(webhookId));
		return [webhook.status, webhook.pausedReason, connected];
	};
	const countRequests = async () =>
		Number((await database.server.query("SELECT count(*) AS count FROM relay_requests", database.url))[0]?.["count"]);

	it("take the answer at the client's process, at the owner and at a third one, and repeat no request", async () => {
		const { owner, others, relay } = await makeRelay();
		const [a, c] = others;
		const client = await open(a, relay);
		for (const each of processes) expect(await shown(each, relay)).toEqual(["Enabled", null, true]);
		for (const [index, at] of [a, owner, c].entries()) {
			const eventId = await c.send();
			const { requestId } = await client.request(index + 1);
			await answer(at, relay, requestId);
			// Twice, and to another process: that changes nothing.
			await answer(at, relay, requestId, { ...OK, status: 500 });
			await hasStatus(a, eventId, "Succeeded");
		}
		expect(client.requests).toHaveLength(3);
		await expect.poll(countRequests, WAIT).toBe(0);
		// The log has the answers, for whoever has not taken them.
		for (const each of processes) for (const { requestId } of client.requests) await answer(each, relay, requestId);
		const unknown = `${client.requests[0]!.deliveryId}.2`;
		await expect(answer(c, relay, unknown)).rejects.toMatchObject({ code: "request_not_open" });
		// A client at the owner, which answers to another process.
		const atOwner = await open(owner, relay);
		await client.ended;
		expect(client.end).toBe("replaced");
		const eventId = await a.send();
		await answer(c, relay, (await atOwner.request()).requestId);
		await hasStatus(a, eventId, "Succeeded");
		await expect.poll(countRequests, WAIT).toBe(0);
		for (const { observer, member } of processes) expect([...observer.problems, ...member.problems]).toEqual([]);
	});

	it("give the client what any receiver gets, exactly, and keep no secret in their rows", async () => {
		const { owner, others, relay } = await makeRelay();
		const [a, c] = others;
		const headers = { "x-first": "b, a", authorization: "Bearer hunter2hunter2" };
		const change = changeIn(owner.projectId);
		await owner.engine.webhooks.update(change, relay.webhookId, { headers });
		const dataJson = JSON.stringify({ text: "\u0001äß€𝄞\n".repeat(13_000) });
		const { event } = await c.engine.intake.send(change.scope, eventInput({ dataJson }));
		const eventId = event.id;
		const client = await open(a, relay);
		const request = await client.request();
		const stored = await c.store.eventBody(change.scope, eventId);
		expect(stored!.length).toBeGreaterThan(200_000);
		expect(Buffer.compare(request.body, stored!)).toBe(0);
		expect(request).toMatchObject({ eventId, attemptNumber: 1, trigger: "auto" });
		expect(request.headers.slice(0, 2)).toEqual([
			["x-first", "b, a"],
			["authorization", "Bearer hunter2hunter2"],
		]);
		const rows = await database.server.query("SELECT relay_requests::text AS row FROM relay_requests", database.url);
		expect(rows).toHaveLength(1);
		expect(String(rows[0]?.["row"])).not.toContain(Buffer.from("hunter2").toString("hex"));
		expect(String(rows[0]?.["row"])).not.toContain("hunter2");
		const body = Buffer.alloc(256 * 1_024, "0123456789");
		const pairs = [
			["Set-Cookie", "a"],
			["X-Other", ""],
			["set-cookie", "b"],
		] as const;
		await answer(c, relay, request.requestId, { status: 202, headers: pairs, body });
		await hasStatus(a, eventId, "Succeeded");
		const delivery = await deliveryOf(a, eventId);
		const [attempt] = (await a.store.attempts(change.scope, delivery!.id, { limit: 1, cursor: null })).rows;
		expect(attempt?.response?.headers).toEqual({ "set-cookie": "a, b", "x-other": "" });
		expect(attempt?.response).toMatchObject({ body: body.subarray(0, 4_096).toString(), bodyTruncated: true });
	});

	it("offer what is under way to a newer client elsewhere, and tell the older one", async () => {
		const { others, relay } = await makeRelay();
		const [a, c] = others;
		const older = await open(a, relay);
		const eventId = await a.send();
		const { requestId } = await older.request();
		const newer = await open(c, relay);
		await older.ended;
		expect(older.end).toBe("replaced");
		expect((await newer.request()).requestId).toBe(requestId);
		await answer(c, relay, requestId);
		await hasStatus(a, eventId, "Succeeded");
		expect((await deliveryOf(a, eventId))?.attemptCount).toBe(1);
	});

	it("lose nothing when the client's process is killed: the request comes again at another one", async () => {
		const { others, relay } = await makeRelay();
		const [a, c] = others;
		const first = await open(a, relay);
		const [answered, underWay] = [await c.send(), await c.send()];
		await first.request(2);
		const requestOf = (eventId: string) => first.requests.find((each) => each.eventId === eventId)!.requestId;
		await answer(a, relay, requestOf(answered));
		a.kill();
		const second = await open(c, relay);
		expect((await second.request()).requestId).toBe(requestOf(underWay));
		await answer(c, relay, requestOf(underWay));
		for (const eventId of [answered, underWay]) await hasStatus(c, eventId, "Succeeded");
		expect(second.requests).toHaveLength(1);
	});

	it("lose nothing when the owner is killed, and repeat only what was not answered", async () => {
		const { owner, others, relay } = await makeRelay();
		const [a, c] = others;
		const client = await open(a, relay);
		const [answered, underWay] = [await c.send(), await c.send()];
		await client.request(2);
		const requestOf = (eventId: string) => client.requests.find((each) => each.eventId === eventId)!.requestId;
		owner.kill();
		// Its owner hears this no more.
		await answer(c, relay, requestOf(answered));
		await isShared([a, c]);
		await hasStatus(c, answered, "Succeeded");
		await answer(c, relay, requestOf(underWay));
		await hasStatus(c, underWay, "Succeeded");
		for (const eventId of [answered, underWay]) expect((await deliveryOf(c, eventId))?.attemptCount).toBe(1);
		const asked = client.requests.filter((each) => each.eventId === answered);
		expect(asked).toHaveLength(1);
	});

	it("are away ten seconds after the last client, wherever it was, and resumed by one anywhere", async () => {
		const { owner, others, relay } = await makeRelay();
		const [a, c] = others;
		const first = await open(a, relay);
		const underWay = await c.send();
		const { requestId } = await first.request();
		first.close();
		await hasStatus(owner, underWay, "Held");
		expect(await shown(c, relay)).toEqual(["Paused", "away", false]);
		expect(await deliveryOf(owner, underWay)).toMatchObject({ attemptCount: 0 });
		const later = await a.send();
		await hasStatus(owner, later, "Held");
		const second = await open(c, relay);
		await second.request(2);
		expect(second.requests.map((each) => each.requestId)).toContain(requestId);
		for (const each of second.requests) await answer(owner, relay, each.requestId);
		for (const eventId of [underWay, later]) await hasStatus(a, eventId, "Succeeded");
		expect(await shown(owner, relay)).toEqual(["Enabled", null, true]);
	});

	it("lose a client elsewhere that is silent, and count that as a timeout the third time", async () => {
		const { owner, others, relay } = await makeRelay(1_000);
		const eventId = await owner.send();
		let client = await open(others[0], relay);
		const { requestId } = await client.request();
		let next = requestId;
		let silences = 0;
		// On a busy machine, the owner may hear of a silence only after the request's time, and then does not count it.
		while (next === requestId) {
			await client.ended;
			expect(client.end).toBe("silent");
			silences++;
			client = await open(others[silences % 2]!, relay);
			next = (await client.request()).requestId;
		}
		expect(silences).toBeGreaterThanOrEqual(3);
		const delivery = await deliveryOf(owner, eventId);
		expect(delivery?.attemptCount).toBe(1);
		const { scope } = changeIn(owner.projectId);
		const { rows } = await owner.store.attempts(scope, delivery!.id, { limit: 1, cursor: null });
		expect(rows).toMatchObject([{ error: "timeout", responseCode: 0 }]);
		await answer(owner, relay, next);
		await hasStatus(owner, eventId, "Succeeded");
	});

	it("end with the deletion of their key, their session or themselves, whoever is told of it", async () => {
		const { owner, others, relay } = await makeRelay();
		const [a, c] = others;
		const makeKey = () => owner.engine.keys.create({ name: "k", scope: "write", projectId: owner.projectId }, null);
		const { key } = await makeKey();
		const ofKey = await open(a, relay, { kind: "key", key, digest: key.digest, session: null });
		await c.engine.keys.delete(key.id, null);
		await ofKey.ended;
		expect(ofKey.end).toBe("revoked");
		const { secretKey } = await makeKey();
		const { sessions } = owner.engine;
		const { token } = await sessions.signIn(sessions.prove({ key: secretKey }), null);
		// As the API does with a token that it does not know yet.
		await a.member.wire.catchUp();
		const principal = a.engine.sessions.authenticate(token);
		const ofSession = await open(a, relay, principal);
		await sessions.signOut(principal!, false, null);
		await ofSession.ended;
		expect(ofSession.end).toBe("revoked");
		const client = await open(a, relay);
		await c.engine.relays.delete(changeIn(c.projectId), relayIdOf(relay.webhookId));
		await client.ended;
		expect(client.end).toBe("deleted");
	});

	it("can be tested through any process", async () => {
		const { others, relay } = await makeRelay();
		const [a, c] = others;
		const client = await open(a, relay);
		const tested = c.engine.webhooks.test(changeIn(c.projectId), relay.webhookId, null);
		const request = await client.request();
		expect(request).toMatchObject({ deliveryId: null, trigger: "test" });
		await answer(a, relay, request.requestId);
		expect(await tested).toMatchObject({ status: "Ok", responseCode: 200 });
	});
});

/** A client that reads its stream all the time. */
class Client {
	readonly signals: RelaySignal[] = [];
	readonly ended: Promise<void>;
	readonly #subscription: RelaySubscription;

	constructor(subscription: RelaySubscription) {
		this.#subscription = subscription;
		this.ended = this.#read();
	}

	async #read(): Promise<void> {
		for (;;) {
			const signals = await this.#subscription.next();
			if (signals === null) return;
			this.signals.push(...signals);
		}
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

	close(): void {
		this.#subscription.close();
	}
}
