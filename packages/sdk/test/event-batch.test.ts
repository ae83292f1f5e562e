// Batches: results, retries, splitting, and failures of a part.
import { expect, it } from "vitest";

import {
	AuthenticationError,
	BatchError,
	ServiceUnavailableError,
	UnexpectedResponseError,
	type SendEvent,
} from "../src/index.ts";
import {
	json,
	PROJECT_ID,
	reset,
	ScriptedServer,
	testClient,
	wireEvent,
	type SeenRequest,
	type Step,
} from "./scripted-server.ts";

interface Sent {
	readonly type: string;
	readonly data: unknown;
	readonly idempotencyKey: string;
}

const sentIn = ({ body }: SeenRequest) => (JSON.parse(body) as { events: Sent[] }).events;
const numbered = (count: number, data: unknown = null): SendEvent[] =>
	Array.from({ length: count }, (_, n) => ({ type: `n.${n}`, data }));
const refuse = json(503, { message: "Busy.", code: "overloaded" });

/** Accepts all events of the request, each with its type as id. */
const accept: Step = (response, request) => {
	const data = sentIn(request).map(({ type }) => ({ status: 202, event: { ...wireEvent(0), id: type } }));
	json(202, { object: "batch", data })(response, request);
};

const eventsOf = (server: { readonly endpoint: string }) => testClient(server).client.project(PROJECT_ID).events;

it("sends all events in one request, each with its own key, and returns the results in order", async () => {
	const data = [
		{ status: 202, event: wireEvent(1) },
		{
			status: 400,
			error: { message: "No.", code: "invalid_request", issues: [{ path: "type", message: "too long" }] },
		},
		{ status: 202, event: wireEvent(3) },
	];
	await using server = await ScriptedServer.start(json(202, { object: "batch", data }));
	const events = [...numbered(2), { type: "own.key", data: 1, idempotencyKey: "mine", timestamp: new Date(5) }];

	expect(await eventsOf(server).sendBatch(events)).toEqual(data);

	expect([server.last.method, server.last.url]).toEqual(["POST", `/projects/${PROJECT_ID}/events:batch`]);
	const sent = sentIn(server.last);
	expect(sent.map(({ type }) => type)).toEqual(["n.0", "n.1", "own.key"]);
	expect(sent[2]).toEqual({ type: "own.key", data: 1, idempotencyKey: "mine", timestamp: 5 });
	expect(new Set(sent.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
	expect(events[0]).not.toHaveProperty("idempotencyKey");
});

it("sends nothing for no events", async () => {
	await using server = await ScriptedServer.start();
	expect(await eventsOf(server).sendBatch([])).toEqual([]);
	expect(server.requests).toEqual([]);
});

it("retries a request with the same keys", async () => {
	await using server = await ScriptedServer.start(reset, refuse, accept);
	await eventsOf(server).sendBatch(numbered(2));
	expect(server.requests).toHaveLength(3);
	expect(new Set(server.requests.map(({ body }) => body)).size).toBe(1);
});

it("splits at 1,000 events and returns one list in order", async () => {
	await using server = await ScriptedServer.start(accept, accept, accept);
	const results = await eventsOf(server).sendBatch(numbered(2_001));

	expect(server.requests.map((request) => sentIn(request).length)).toEqual([1_000, 1_000, 1]);
	expect(results.map(({ event }) => event?.id)).toEqual(numbered(2_001).map(({ type }) => type));
});

it("numbers events in errors by their position in the whole batch, not in the request", async () => {
	const refusing: Step = (response, request) => {
		const data = sentIn(request).map((_, n) => {
			const path = `events.${n}.type`;
			return {
				status: 400,
				error: { message: `${path}: no`, code: "invalid_request", issues: [{ path, message: "no" }] },
			};
		});
		json(202, { object: "batch", data })(response, request);
	};
	await using server = await ScriptedServer.start(refusing, refusing);
	const results = await eventsOf(server).sendBatch(numbered(1_500));

	expect(results.map(({ error }) => error?.message)).toEqual(results.map((_, n) => `events.${n}.type: no`));
	expect(results.map(({ error }) => error?.issues?.[0]?.path)).toEqual(results.map((_, n) => `events.${n}.type`));
});

it("splits at 5 MiB, measured in bytes", async () => {
	await using server = await ScriptedServer.start(accept, accept);
	// 3 bytes a character: about 1.5 MiB each, three to a request.
	const results = await eventsOf(server).sendBatch(numbered(5, "世".repeat(500_000)));

	expect(server.requests.map((request) => sentIn(request).length)).toEqual([3, 2]);
	for (const { body } of server.requests) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(5 * 1_024 * 1_024);
	expect(results).toHaveLength(5);
});

it("fails only the event that is too large by itself", async () => {
	await using server = await ScriptedServer.start(
		accept,
		json(413, { message: "Too large.", code: "payload_too_large" }),
		accept,
	);
	const events = [...numbered(1), { type: "large", data: "x".repeat(6_000_000) }, ...numbered(1)];

	expect(await eventsOf(server).sendBatch(events)).toMatchObject([
		{ status: 202 },
		{ status: 413, error: { message: "Too large.", code: "payload_too_large" } },
		{ status: 202 },
	]);
});

it("keeps the results and the remaining events when a later request fails", async () => {
	await using server = await ScriptedServer.start(accept, refuse, refuse, accept);
	const { events } = testClient(server, { maxRetries: 1 }).client.project(PROJECT_ID);
	const error = (await events.sendBatch(numbered(1_002)).catch((error: unknown) => error)) as BatchError;

	expect(error).toBeInstanceOf(BatchError);
	expect(error.message).toBe("The batch stopped after 1000 of 1002 events: Busy.");
	expect(error.cause).toBeInstanceOf(ServiceUnavailableError);
	expect(error.results).toHaveLength(1_000);
	expect(error.remaining.map(({ type }) => type)).toEqual(["n.1000", "n.1001"]);

	// Sent again, they have the same keys, so that events that did arrive are not accepted twice.
	await events.sendBatch(error.remaining);
	expect(sentIn(server.last)).toEqual(sentIn(server.requests[1]!));
});

it("rejects with the original error when the first request fails", async () => {
	await using server = await ScriptedServer.start(json(401, { message: "No." }));
	await expect(eventsOf(server).sendBatch(numbered(1))).rejects.toBeInstanceOf(AuthenticationError);
});

it.each([[[]], [[null]], [[{}]], [[{ status: 202 }]], [[wireEvent(1), wireEvent(2)]]])(
	"does not accept %j as the results of one event",
	async (data) => {
		await using server = await ScriptedServer.start(json(202, { object: "batch", data }));
		await expect(eventsOf(server).sendBatch(numbered(1))).rejects.toBeInstanceOf(UnexpectedResponseError);
	},
);

it("sends nothing if one of the events cannot be converted to JSON", async () => {
	await using server = await ScriptedServer.start();
	const events = [...numbered(1_500), { type: "bad", data: 1n }];
	await expect(eventsOf(server).sendBatch(events)).rejects.toThrow(TypeError);
	expect(server.requests).toEqual([]);
});
