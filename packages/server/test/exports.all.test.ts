// Exports over real sockets: the SDK reads one, and a client that goes away or does not read costs the others nothing.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";

import { Client } from "@fanfare/sdk";
import { ManualClock } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startHere, type ServerHere } from "./server-here.ts";

const [WEBHOOKS, EVENTS] = [20, 1_000];
/** Together some 20 MB of text: more than the sockets of both sides buffer. */
const COUNT = WEBHOOKS * EVENTS;
/** An export whose client has read nothing for so long gives up its place. */
const IDLE_MS = 10_000;

let server: ServerHere;
const clock = new ManualClock();
beforeAll(async () => {
	server = await startHere({}, { clock });
	for (let n = 0; n < WEBHOOKS; n++) {
		const { id } = await server.project.batch.webhooks.create({
			name: "n".repeat(128),
			spec: { endpoint: "http://127.0.0.1:1/" },
		});
		await server.project.batch.webhooks.pause(id);
	}
	const type = `order.${"t".repeat(80)}`;
	await server.project.events.sendBatch(Array.from({ length: EVENTS }, (_, data) => ({ type, data })));
});
afterAll(() => server[Symbol.asyncDispose]());

/** Asks for an export, and reads nothing of its body. */
async function ask(): Promise<IncomingMessage> {
	const request = get(`${server.url}/projects/${server.projectId}/deliveries:export`, {
		headers: { "secret-key": server.key },
		agent: false,
	});
	const [response] = (await once(request, "response")) as [IncomingMessage];
	response.on("error", () => {});
	return response;
}

/** Whether an export gets a place now. It is not read. */
async function hasPlace(): Promise<boolean> {
	const response = await ask();
	response.destroy();
	return response.statusCode === 200;
}

describe("an export over a socket", () => {
	it("has every delivery", async () => {
		const ids = new Set<string>();
		for await (const { id } of server.project.deliveries.export()) ids.add(id);
		expect(ids.size).toBe(COUNT);
	});

	it("gives its place back when the client goes away", async () => {
		const [one, two] = [await ask(), await ask()];
		expect([one.statusCode, two.statusCode]).toEqual([200, 200]);
		const impatient = new Client(server.key, { endpoint: server.url, maxRetries: 0 }).project(server.projectId);
		const refused = impatient.deliveries.export()[Symbol.asyncIterator]().next();
		await expect(refused).rejects.toMatchObject({ name: "RateLimitError", status: 429, code: "too_many_exports" });
		one.destroy();
		await eventually("a free place", hasPlace);
		two.destroy();
		await eventually("both places to be free", async () => {
			const both = await Promise.all([ask(), ask()]);
			for (const response of both) response.destroy();
			return both.every(({ statusCode }) => statusCode === 200);
		});
	});

	it("gives its place to another one if its client does not read, and is cut off then", async () => {
		const idle = await eventually("two places", async () => {
			const both = await Promise.all([ask(), ask()]);
			if (both.every(({ statusCode }) => statusCode === 200)) return both;
			for (const response of both) response.destroy();
			return null;
		});
		// Until the sockets are full, and both exports wait for their clients.
		await eventually("a place of an export that waits", () => {
			clock.advance(IDLE_MS);
			return hasPlace();
		});
		const closed = idle.map((response) => new Promise((resolve) => response.on("close", resolve)));
		for (const response of idle) response.resume();
		await Promise.all(closed);
		expect(idle.filter(({ complete }) => complete)).toHaveLength(1);
	});
});
