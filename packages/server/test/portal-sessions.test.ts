// Customers with the tokens of portal sessions, over real sockets: the SDK as its customers use it, live streams that end with their
// session, and calls from pages of other origins.
import { AuthenticationError, Client, type StreamItem } from "@fanfare/sdk";
import { ManualClock } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { startReceiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startHere, type ServerHere } from "./server-here.ts";

const HOUR_MS = 3_600_000;
const APP = "https://app.example.com";

let server: ServerHere;
const clock = new ManualClock();
beforeAll(async () => {
	const env = {
		FANFARE_ALLOW_FOR_CUSTOMERS: "true",
		FANFARE_MAX_STREAMS_PER_CUSTOMER: "2",
		FANFARE_PORTAL_ORIGINS: APP,
		FANFARE_EGRESS_ADDRESSES: "203.0.113.7,198.51.100.0/24,203.0.113.7",
	};
	server = await startHere(env, { clock });
});
afterAll(() => server[Symbol.asyncDispose]());

/** A client of a customer, as it runs in the customer's browser. */
async function open(customerId: string) {
	const { project, url, projectId } = server;
	const capabilities = ["webhooks.write", "payloads.read"] as const;
	const session = await project.portalSessions.create({ customerId, capabilities, expiresInMs: HOUR_MS });
	const client = new Client(session.token, { endpoint: url, maxRetries: 0 });
	return { ...session, client, own: client.project(projectId) };
}

/** Collects the items of a customer's stream until it is disposed. `ended` resolves with the error that ends it. */
function watch(own: ReturnType<Client["project"]>) {
	const items: StreamItem[] = [];
	const done = new AbortController();
	const read = async () => {
		for await (const item of own.stream({}, { signal: done.signal })) items.push(item);
	};
	const ended = read().then(
		() => null,
		(error: unknown) => error,
	);
	const dispose = async () => {
		done.abort();
		await ended;
	};
	return { items, ended, [Symbol.asyncDispose]: dispose };
}

describe("a customer", () => {
	it("manages its webhooks and follows its deliveries with the SDK, and sees nothing of others, live or not", async () => {
		await using receiver = await startReceiver();
		const { project: product, projectId } = server;
		const [acme, globex] = [await open("acme"), await open("globex")];
		expect(await acme.client.getCaller()).toMatchObject({ customerId: "acme", projectId });
		expect((await acme.client.getEgressAddresses()).addresses).toEqual(["203.0.113.7", "198.51.100.0/24"]);
		const spec = { endpoint: receiver.url };
		const hook = await acme.own.batch.webhooks.create({ name: "Acme's hook", spec });
		const foreign = await globex.own.batch.webhooks.create({ name: "hook of globex", spec });
		await product.batch.webhooks.create({ name: "our hook", spec });
		await using mine = watch(acme.own);
		await using theirs = watch(globex.own);
		// Until both streams have begun.
		await eventually("both streams to have items", async () => {
			await product.events.send({ type: "order.paid", data: "for everybody", customerIds: "*" });
			return mine.items.length > 0 && theirs.items.length > 0;
		});
		const { id } = await product.events.send({ type: "order.paid", data: "for acme", customerId: "acme" });
		await product.events.send({ type: "order.paid", data: "for globex", customerId: "globex" });
		await product.events.send({ type: "order.paid", data: "for nobody" });
		const isDelivered = (item: StreamItem) =>
			item.kind === "delivery.updated" && item.eventId === id && item.status === "Succeeded";
		await eventually("the delivery to acme", () => mine.items.some(isDelivered));
		await acme.own.batch.webhooks.pause(hook.id);
		await globex.own.batch.webhooks.pause(foreign.id);
		const isPaused = (item: StreamItem) => item.kind === "webhook.updated";
		await eventually("both changes", () => mine.items.some(isPaused) && theirs.items.some(isPaused));
		for (const [items, webhookId] of [
			[mine.items, hook.id],
			[theirs.items, foreign.id],
		] as const) {
			const webhookIds = new Set(items.flatMap((item) => ("webhookId" in item ? [item.webhookId] : [])));
			expect([...webhookIds]).toEqual([webhookId]);
		}
		expect((await acme.own.events.get(id)).data).toBe("for acme");
		const { data: deliveries } = await acme.own.deliveries.list();
		expect(new Set(deliveries.map(({ webhookId }) => webhookId))).toEqual(new Set([hook.id]));
		await expect(acme.own.batch.webhooks.get(foreign.id)).rejects.toMatchObject({ status: 404 });
		await expect(acme.own.events.send({ type: "order.paid", data: 1 })).rejects.toMatchObject({ status: 403 });
	});

	it("is told by the stream, and by the SDK, when its session is revoked or expires; others go on", async () => {
		const { project: product } = server;
		const [one, other] = [await open("initech"), await open("initech")];
		await using ending = watch(one.own);
		await using going = watch(other.own);
		const { webhooks } = one.own.batch;
		const { id } = await webhooks.create({ name: "a", spec: { endpoint: "https://example.com/" } });
		await eventually("both streams to have items", async () => {
			await webhooks.pause(id);
			await webhooks.resume(id);
			return ending.items.length > 0 && going.items.length > 0;
		});
		// It may have two, and another customer is not affected.
		const third = await open("initech");
		const path = `/projects/${server.projectId}/stream`;
		const refused = await server.call("GET", path, undefined, { "secret-key": third.token });
		expect(refused).toMatchObject({ status: 503, json: { code: "too_many_streams" } });

		await product.portalSessions.revoke(one.id);
		expect(await ending.ended).toBeInstanceOf(AuthenticationError);
		await expect(one.client.getCaller()).rejects.toMatchObject({ code: "unknown_portal_session" });
		expect(await other.client.getCaller()).toMatchObject({ customerId: "initech" });
		clock.advance(HOUR_MS);
		expect(await going.ended).toBeInstanceOf(AuthenticationError);
	});
});

describe("a page of another origin", () => {
	it("asks first, and may then call with the token of its customer, and read why it may not any more", async () => {
		const { id, token } = await open("acme");
		using connection = new RawConnection(server.port);
		const path = `/projects/${server.projectId}/batch/webhooks`;
		const asked = { origin: APP, "access-control-request-method": "POST" };
		const ask = async (method: string, headers: Record<string, string>) => {
			await connection.write(requestHead(method, path, headers));
			const answer = await connection.answer();
			return { status: answer.status, origin: answer.headers["access-control-allow-origin"] };
		};
		expect(await ask("OPTIONS", asked)).toEqual({ status: 204, origin: APP });
		expect(await ask("OPTIONS", { ...asked, origin: `${APP}:8443` })).toEqual({ status: 405, origin: undefined });
		expect(await ask("GET", { origin: APP, "secret-key": token })).toEqual({ status: 200, origin: APP });
		expect(await ask("GET", { origin: APP, "secret-key": server.key })).toEqual({ status: 200, origin: undefined });
		await server.project.portalSessions.revoke(id);
		expect(await ask("GET", { origin: APP, "secret-key": token })).toEqual({ status: 401, origin: APP });
	});
});
