// Streams and answers of relays' clients on the lean path: the responses of the app, byte for byte, and attempts that end with them.
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { relayIdOf } from "../../../core/receivers/relay.ts";
import { openBoth, responsesIn, statusOf } from "../../test/both-paths.ts";

const OK = '{"status":200,"headers":[["content-type","text/plain"]],"bodyBase64":"b2s="}';
const UNKNOWN_RELAY = `relay_${"0".repeat(8)}-0000-7000-8000-${"0".repeat(12)}`;

/** A request without a body. */
const GET = { method: "GET", body: "" } as const;
const NO_BODY = { "content-length": null, "content-type": null } as const;

/** A relay without a client. */
async function putRelay() {
	const both = await openBoth();
	const { engine, project } = both;
	const scope = projectScope(project.id);
	const settings = { device: "d", name: "d", eventTypes: null, timeoutMs: 30_000, customerId: null, mirrorOf: null };
	const { webhookId } = await engine.relays.put({ scope, audit: null }, settings, new Uint8Array(32));
	const relayId = relayIdOf(webhookId);
	const keyNamed = (name: string | undefined) =>
		Object.entries(both.keys).find(([one]) => one === name)?.[1] ?? name ?? both.keys.admin;
	const streamPath = (relay = relayId) => `./relays/${relay}/requests`;
	const answerPath = (requestId = "", relay = relayId) => `${streamPath(relay)}/${requestId}:answer`;
	return { ...both, scope, relayId, keyNamed, streamPath, answerPath };
}

/** Opens the relay's stream at a port. Resolves when the client is ready, with what came by then. */
async function openStream({ bytesOf, streamPath }: Awaited<ReturnType<typeof putRelay>>, port: number) {
	const connection = new RawConnection(port);
	await connection.write(bytesOf({ ...GET, path: streamPath(), headers: NO_BODY }));
	await eventually("the client to be ready", () => connection.unread.includes('"kind":"ready"'));
	return connection;
}

describe("the stream of a relay", () => {
	it("begins as that of the app, which a client of the lean path then replaces", async () => {
		const relay = await putRelay();
		using byApp = await openStream(relay, relay.plainPort);
		using byLean = await openStream(relay, relay.port);
		expect(relay.taken()).toBe(1);
		expect(statusOf(byLean.unread)).toBe(200);
		await eventually("the first client to be told", () => byApp.unread.includes('"code":"replaced"'));
		const beginning = (text: string) => text.slice(0, text.indexOf('"kind":"ready"'));
		expect(responsesIn(beginning(byLean.unread))).toEqual(responsesIn(beginning(byApp.unread)));
		const [appLine, leanLine] = relay.lines.filter(({ method }) => method === "GET");
		const chance = { requestId: "", durationMs: 0 };
		expect({ ...leanLine, ...chance }).toEqual({ ...appLine, ...chance });
	});

	it("gives requests, and loses the relay with its connection", async () => {
		const relay = await putRelay();
		using stream = await openStream(relay, relay.port);
		await relay.call("POST", "./events", { type: "a", data: 1 });
		await eventually("the request", () => stream.unread.includes('"kind":"request"'));
		const isConnected = async () => (await relay.engine.relays.get(relay.scope, relay.relayId)).connected;
		expect(await isConnected()).toBe(true);
		stream.reset();
		await eventually("the client to be gone", async () => !(await isConnected()));
		using again = await openStream(relay, relay.port);
		await eventually("the same request", () => again.unread.includes('"kind":"request"'));
		expect(relay.taken()).toBe(2);
	});

	it.each([
		["a relay that nobody has", 404, { relay: UNKNOWN_RELAY }],
		["no key", 401, { key: "sk_x" }],
		["a key that may only read", 403, { key: "read" }],
		["a key of another project", 404, { key: "other" }],
	] as const)("is refused as by the app: %s: %i", async (_name, status, sent: { relay?: string; key?: string }) => {
		const { compare, taken, streamPath, keyNamed } = await putRelay();
		const headers = { ...NO_BODY, authorization: `Bearer ${keyNamed(sent.key)}` };
		expect(statusOf((await compare({ ...GET, path: streamPath(sent.relay), headers })).byLean)).toBe(status);
		expect(taken()).toBe(1);
	});

	it.each([
		["an id of another form", 404, "GET", "./relays/relay_1/requests", {}],
		["an escape", 404, "GET", `./relays/${UNKNOWN_RELAY.replace("_", "%5F")}/requests`, {}],
		["a query", 400, "GET", `./relays/${UNKNOWN_RELAY}/requests?a=1`, {}],
		["a body", 404, "GET", `./relays/${UNKNOWN_RELAY}/requests`, { "content-length": "0" }],
		["a browser", 404, "GET", `./relays/${UNKNOWN_RELAY}/requests`, { origin: "https://shop.example.com" }],
		["a request as path", 405, "GET", `./relays/${UNKNOWN_RELAY}/requests/dlv_1.1:answer`, {}],
		["HEAD", 404, "HEAD", `./relays/${UNKNOWN_RELAY}/requests`, {}],
		["POST", 405, "POST", `./relays/${UNKNOWN_RELAY}/requests`, { "content-length": "0" }],
	] as const)("goes to the app: %s: %i", async (_name, status, method, path, headers) => {
		const { compare, taken } = await putRelay();
		expect(statusOf((await compare({ ...GET, method, path, headers: { ...NO_BODY, ...headers } })).byLean)).toBe(
			status,
		);
		expect(taken()).toBe(0);
	});
});

describe("the answer to a request", () => {
	it("ends the attempt, and a repeated answer gets the response of the app", async () => {
		const relay = await putRelay();
		const { answerPath, bytesOf, call, compare, plainPort, port, taken } = relay;
		using stream = await openStream(relay, plainPort);
		for (const type of ["a", "b"]) await call("POST", "./events", { type, data: 1 });
		const ids = () => [...stream.unread.matchAll(/"requestId":"([^"]+)"/g)].map(([, id]) => id);
		await eventually("both requests", () => ids().length === 2);
		const [first, second] = ids();
		using connection = new RawConnection(port);
		await connection.write(bytesOf({ path: answerPath(first), body: OK }));
		expect((await connection.answer()).status).toBe(200);
		expect(taken()).toBe(1);
		const succeeded = async () => (await call("GET", "./deliveries?status=Succeeded")).json["data"] as { id: string }[];
		await eventually("the delivery", async () => (await succeeded())[0]?.id === first?.split(".")[0]);
		for (const requestId of [first, second]) {
			const { byLean, byApp } = await compare({ path: answerPath(requestId), body: OK });
			expect([statusOf(byLean), statusOf(byApp)]).toEqual([200, 200]);
		}
		expect(taken()).toBe(3);
	});

	it.each([
		["a request that is not under way", 409, {}],
		["a relay that nobody has", 404, { relay: UNKNOWN_RELAY }],
		["no answer", 400, { body: "{}" }],
		["a status that no receiver sends", 400, { body: '{"status":99}' }],
		["an error of the receiver", 409, { body: '{"error":"refused","reason":"nobody listens"}' }],
		["no key", 401, { key: "sk_x" }],
		["a key that may only read", 403, { key: "read" }],
		["a key of another project", 404, { key: "other" }],
	] as const)("%s: %i, as by the app", async (_name, status, sent: { relay?: string; body?: string; key?: string }) => {
		const { compare, taken, answerPath, keyNamed } = await putRelay();
		const headers = { authorization: `Bearer ${keyNamed(sent.key)}` };
		const { byLean } = await compare({ path: answerPath("dlv_1.1", sent.relay), body: sent.body ?? OK, headers });
		expect(statusOf(byLean)).toBe(status);
		expect(taken()).toBe(1);
	});

	it.each([
		["a colon that is escaped", 409, "./relays/RELAY/requests/dlv_1.1%3Aanswer", {}],
		["another escape", 409, "./relays/RELAY/requests/dl%76_1.1:answer", {}],
		["an action that is no action", 404, "./relays/RELAY/requests/dlv_1.1:explode", {}],
		["an id of another form", 404, "./relays/relay_1/requests/dlv_1.1:answer", {}],
		["a query", 400, "./relays/RELAY/requests/dlv_1.1:answer?a=1", {}],
		["a browser", 409, "./relays/RELAY/requests/dlv_1.1:answer", { origin: "https://shop.example.com" }],
	] as const)("goes to the app: %s: %i", async (_name, status, path, headers) => {
		const { compare, taken, relayId } = await putRelay();
		expect(statusOf((await compare({ path: path.replace("RELAY", relayId), body: OK, headers })).byLean)).toBe(status);
		expect(taken()).toBe(0);
	});
});
