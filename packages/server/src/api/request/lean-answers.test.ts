// Answers of relays' clients on the lean path: the responses of the app, byte for byte, and attempts that end with them.
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { expect, it } from "vitest";

import { projectScope } from "../../core/access/principal.ts";
import { relayIdOf } from "../../core/receivers/relay.ts";
import { openBoth, statusOf } from "../test/both-paths.ts";

const OK = '{"status":200,"headers":[["content-type","text/plain"]],"bodyBase64":"b2s="}';

/** A relay whose client has the requests of two events. */
async function openRelay() {
	const both = await openBoth();
	const { call, engine, project } = both;
	const scope = projectScope(project.id);
	const settings = { device: "d", name: "d", eventTypes: null, timeoutMs: 30_000, customerId: null, mirrorOf: null };
	const put = await engine.relays.put({ scope, audit: null }, settings, new Uint8Array(32));
	const relayId = relayIdOf(put.webhookId);
	const stream = await engine.relays.open(scope, relayId, { principal: null, abandon: () => {} });
	for (const type of ["a", "b"]) await call("POST", "./events", { type, data: 1 });
	const requestIds: string[] = [];
	while (requestIds.length < 2) {
		// oxlint-disable-next-line no-await-in-loop -- one after the other
		for (const signal of (await stream.next()) ?? []) {
			if (signal.type === "request") requestIds.push(signal.request.requestId);
		}
	}
	const pathOf = (requestId = "", relay = relayId) => `./relays/${relay}/requests/${requestId}:answer`;
	return { ...both, relayId, requestIds, pathOf };
}

it("ends the attempt, and gives a repeated answer the response of the app", async () => {
	const { bytesOf, port, compare, call, taken, requestIds, pathOf } = await openRelay();
	const [first, second] = requestIds;
	using connection = new RawConnection(port);
	await connection.write(bytesOf({ path: pathOf(first), body: OK }));
	expect((await connection.answer()).status).toBe(200);
	expect(taken()).toBe(1);
	const succeeded = async () => (await call("GET", "./deliveries?status=Succeeded")).json["data"];
	await expect.poll(succeeded).toMatchObject([{ id: first?.split(".")[0] }]);
	for (const requestId of [first, second]) {
		const { byLean, byApp } = await compare({ path: pathOf(requestId), body: OK });
		expect([statusOf(byLean), statusOf(byApp)]).toEqual([200, 200]);
	}
	expect(taken()).toBe(3);
});

it.each([
	["a request that is not under way", 409, {}],
	["a relay that nobody has", 404, { relay: `relay_${"0".repeat(8)}-0000-7000-8000-${"0".repeat(12)}` }],
	["no answer", 400, { body: "{}" }],
	["a status that no receiver sends", 400, { body: '{"status":99}' }],
	["an error of the receiver", 409, { body: '{"error":"refused","reason":"nobody listens"}' }],
	["no key", 401, { key: "sk_x" }],
	["a key that may only read", 403, { key: "read" }],
	["a key of another project", 404, { key: "other" }],
] as const)("%s: %i", async (_name, status, sent: { relay?: string; body?: string; key?: string }) => {
	const { compare, taken, pathOf, keys } = await openRelay();
	const key = Object.entries(keys).find(([name]) => name === sent.key)?.[1] ?? sent.key ?? keys.admin;
	const { byLean } = await compare({
		path: pathOf("dlv_1.1", sent.relay),
		body: sent.body ?? OK,
		headers: { authorization: `Bearer ${key}` },
	});
	expect(statusOf(byLean)).toBe(status);
	expect(taken()).toBe(1);
});

it.each([
	["a colon that is escaped", 409, "./relays/RELAY/requests/dlv_1.1%3Aanswer", {}],
	["another escape", 409, "./relays/RELAY/requests/dl%76_1.1:answer", {}],
	["an action that is no action", 404, "./relays/RELAY/requests/dlv_1.1:explode", {}],
	["an id of another form", 404, "./relays/relay_1/requests/dlv_1.1:answer", {}],
	["a query", 400, "./relays/RELAY/requests/dlv_1.1:answer?a=1", {}],
	["a browser's answer", 409, "./relays/RELAY/requests/dlv_1.1:answer", { origin: "https://shop.example.com" }],
] as const)("goes to the app: %s: %i", async (_name, status, path, headers) => {
	const { compare, taken, relayId } = await openRelay();
	expect(statusOf((await compare({ path: path.replace("RELAY", relayId), body: OK, headers })).byLean)).toBe(status);
	expect(taken()).toBe(0);
});
