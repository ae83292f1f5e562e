// What a receiver gets, and what its responses mean, as docs/failure-modes.md describes. The server runs in its own process.
import { createServer, type AddressInfo } from "node:net";

import { utils, verify, type Delivery, type DeliveryDetail, type ProjectHandle, type WebhookSpec } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { answers, startReceiver, type Answer, type ReceivedRequest } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const EVENT_TIME = Date.parse("2026-11-24T13:24:00.000Z");

let server: ServerProcess;
let project: ProjectHandle;
beforeAll(async () => {
	server = await startServerProcess();
});
afterAll(async () => {
	await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
	project = await server.client.projects.create({ name: "of one test" });
});

function createWebhook(endpoint: string, spec: Partial<WebhookSpec> = {}) {
	const retries = { maxRetries: 3, maxRetryDelay: 50 };
	return project.batch.webhooks.create({ name: "test", spec: { endpoint, retries, ...spec } });
}

function send(data: unknown = 1, type = "a.b") {
	return project.events.send({ type, data });
}

/** Waits until the only delivery of an event satisfies `isSo`, and returns it with its attempts. */
async function deliveryOf(event: { id: string }, isSo: (delivery: Delivery) => boolean): Promise<DeliveryDetail> {
	const look = async () => (await project.deliveries.list({ eventId: event.id })).data.find(isSo);
	return project.deliveries.get((await eventually("the delivery to be in the expected state", look)).id);
}

const hasEnded = ({ status }: Delivery) => status !== "Pending";
const wasAttempted = ({ attemptCount }: Delivery) => attemptCount > 0;
const action = (webhookId: string, name: string) =>
	server.call("POST", `/projects/${project.id}/batch/webhooks/${webhookId}:${name}`);

describe("a request", () => {
	it("has exactly these lines and these bytes", async () => {
		const { url, request } = await captureOne();
		const webhook = await createWebhook(`${url}/your/path?a=b%20c&d`, { headers: { "X-Tenant": "acme" } });
		// Sent without the SDK, so that `data` keeps this notation.
		const data = String.raw`{"z":1.0, "b":"\u00e9\/","a":1E5,"big":12345678901234567890,"nested" : [ ] }`;
		const sent = `{"type":"batch.job.completed","timestamp":${EVENT_TIME},"webhookIds":["${webhook.id}"],"data": ${data} }`;
		const event = await server.call("POST", `/projects/${project.id}/events`, sent);
		const { id } = event.json as { id: string };

		const [head = "", body] = (await request).split("\r\n\r\n");
		expect(body).toBe(`{"type":"batch.job.completed","timestamp":"2026-11-24T13:24:00.000Z","data":${data}}`);
		const [requestLine, ...lines] = head.split("\r\n");
		expect(requestLine).toBe("POST /your/path?a=b%20c&d HTTP/1.1");
		const headers = Object.fromEntries(lines.map((line) => line.split(": ") as [string, string]));
		expect(headers).toEqual({
			host: url.slice("http://".length),
			connection: "keep-alive",
			"content-type": "application/json",
			"content-length": String(Buffer.byteLength(body ?? "")),
			"user-agent": expect.stringMatching(/^Fanfare\/\d+\.\d+\.\d+ \(\+https:\/\/\S+\)$/),
			"webhook-id": id,
			"webhook-timestamp": expect.stringMatching(/^\d{10}$/),
			"webhook-signature": expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
			"x-tenant": "acme",
		});
	});

	it("is verified by standardwebhooks, by svix and by the SDK, at each attempt", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }, { status: 500 }]);
		const secret = utils.generateWebhookSecret();
		await createWebhook(receiver.url, { secret });
		const event = await send({ text: "é\u2028😀" });
		const { attempts } = await deliveryOf(event, hasEnded);
		for (const request of receiver.requests) await expectSigned(request, secret);
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([event.id, event.id, event.id]);
		expect(new Set(receiver.requests.map(({ rawBody }) => rawBody.toString())).size).toBe(1);
		expect(receiver.requests.map(({ headers }) => headers["webhook-timestamp"])).toEqual(
			attempts.map(({ startDate }) => String(Math.floor(startDate / 1_000))),
		);
	});

	it("is signed with both secrets after a change, and with the new one alone when the old one expires", async () => {
		await using receiver = await startReceiver();
		const [oldest, middle, newest] = [utils.generateWebhookSecret(), utils.generateWebhookSecret(), randomSecret()];
		const { id } = await createWebhook(receiver.url, { secret: oldest });
		await project.batch.webhooks.updateSecret(id, middle);
		await send();
		const [both] = await receiver.waitFor(1);
		expect(both?.headers["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44}$/);
		for (const secret of [oldest, middle]) await expectSigned(both!, secret);
		const alone = { ...both!.headers, "webhook-signature": String(both?.headers["webhook-signature"]).split(" ")[0] };
		await expect(verify(both!.rawBody, alone, middle)).resolves.toBeDefined();

		await project.batch.webhooks.updateSecret(id, newest, { overlapMs: 0 });
		await send();
		const last = (await receiver.waitFor(2)).at(-1)!;
		expect(last.headers["webhook-signature"]).toMatch(/^v1,\S{44}$/);
		await expectSigned(last, newest);
	});

	it("goes to the webhooks that want the type, or that the sender names", async () => {
		await using receiver = await startReceiver();
		await createWebhook(`${receiver.url}/all`);
		await createWebhook(`${receiver.url}/orders`, { eventTypes: ["order.*"] });
		const users = await createWebhook(`${receiver.url}/users`, { eventTypes: ["user.created"] });
		expect(await send(1, "order.paid.late")).toMatchObject({ deliveryCount: 2 });
		expect(await send(2, "user.created.twice")).toMatchObject({ deliveryCount: 1 });
		await project.events.send({ type: "order.paid", data: 3, webhookIds: [users.id] });
		const paths = (await receiver.waitFor(4)).map(({ path, rawBody }) => `${path} ${String(dataOf(rawBody))}`);
		expect(paths.sort()).toEqual(["/all 1", "/all 2", "/orders 1", "/users 3"]);
	});
});

describe("a response", () => {
	it.each([200, 201, 204, 299])("%d is a success", async (status) => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status }));
		await createWebhook(receiver.url);
		expect(await deliveryOf(await send(), hasEnded)).toMatchObject({
			status: "Succeeded",
			attemptCount: 1,
			reason: null,
		});
	});

	it.each([301, 302, 303, 307, 308])("%d is a failure and not followed", async (status) => {
		await using receiver = await startReceiver();
		receiver.script(() => answers.redirect(`${receiver.url}/elsewhere`, status));
		await createWebhook(`${receiver.url}/hook`, { retries: { maxRetries: 0 } });
		const delivery = await deliveryOf(await send(), hasEnded);
		expect(delivery).toMatchObject({ status: "Failed", reason: expect.stringContaining(`${status}`) });
		expect(receiver.requests.map(({ path }) => path)).toEqual(["/hook"]);
	});

	it("410 ends the delivery and disables the webhook, whose later deliveries are Held until it is resumed", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 410 }]);
		const { id } = await createWebhook(receiver.url);
		const gone = await deliveryOf(await send(), hasEnded);
		expect(gone).toMatchObject({ status: "Failed", attemptCount: 1, reason: expect.stringContaining("410") });
		const isDisabled = async () => (await project.batch.webhooks.get(id)).status === "Disabled";
		await eventually("the webhook to be disabled", isDisabled);
		expect(await project.batch.webhooks.get(id)).toMatchObject({ disabledReason: expect.stringContaining("410") });

		const held = await send("held");
		expect(await deliveryOf(held, hasEnded)).toMatchObject({
			status: "Held",
			reason: expect.stringContaining("disabled"),
		});
		expect(receiver.requests).toHaveLength(1);
		expect((await action(id, "resume")).json).toMatchObject({ status: "Enabled", disabledReason: null });
		expect(await deliveryOf(held, ({ status }) => status === "Succeeded")).toMatchObject({ attemptCount: 1 });
	});

	it.each([
		["120", 503, 120_000, 122_000],
		["120", 429, 120_000, 122_000],
		// The server counts from the moment at which it has read the date, which a busy machine delays.
		[() => new Date(Date.now() + 600_000).toUTCString(), 503, 540_000, 602_000],
		["9999999", 503, 86_400_000, 86_402_000],
		["0", 503, 800, 1_002],
		[() => new Date(0).toUTCString(), 503, 800, 1_002],
		["soon", 503, 800, 1_002],
		["120", 500, 800, 1_002],
	])("with Retry-After %s and status %d delays the next attempt by %d–%d ms", async (value, status, from, to) => {
		await using receiver = await startReceiver();
		const answer = () => answers.retryAfter(typeof value === "string" ? value : value(), status);
		// A second attempt that has begun leaves the date of the delivery as it was.
		receiver.script((_request, index) => (index === 0 ? answer() : { kind: "hang" }));
		await createWebhook(receiver.url, { retries: { maxRetries: 1, maxRetryDelay: 15_000 } });
		const { status: now, nextAttemptDate, updateDate } = await deliveryOf(await send(), wasAttempted);
		expect(now).toBe("Pending");
		expect(nextAttemptDate! - updateDate).toBeGreaterThanOrEqual(from);
		expect(nextAttemptDate! - updateDate).toBeLessThanOrEqual(to);
	});
});

it("Retry-After applies even if the response breaks off after its headers", async () => {
	await using receiver = await startReceiver();
	const head = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 120\r\ncontent-length: 100\r\n\r\nhalf";
	receiver.script(() => ({ kind: "reset", head }));
	await createWebhook(receiver.url);
	const { nextAttemptDate, updateDate, attempts } = await deliveryOf(await send(), wasAttempted);
	expect(attempts).toMatchObject([{ responseCode: 503, error: "reset" }]);
	expect(nextAttemptDate! - updateDate).toBeGreaterThanOrEqual(120_000);
});

it("a retry without a delay follows at once", async () => {
	await using receiver = await startReceiver();
	receiver.script(() => ({ status: 500 }));
	await createWebhook(receiver.url, { retries: { maxRetries: 3, maxRetryDelay: 0 } });
	expect(await deliveryOf(await send(), hasEnded)).toMatchObject({ status: "Failed", attemptCount: 4 });
});

describe("the log", () => {
	it("has each attempt with the reason of its failure, and says when the retries are exhausted", async () => {
		await using receiver = await startReceiver();
		const second = Promise.withResolvers<Answer>();
		// The connection ends with it: on one that is kept, the reset would be no failed attempt.
		const first: Answer = { status: 500, headers: { "x-answer": "first" }, body: "no é", close: true };
		receiver.script((_request, index) => [first, second.promise][index] ?? { kind: "hang" });
		const { id } = await createWebhook(receiver.url, {
			retries: { maxRetries: 2, maxRetryDelay: 50 },
			timeoutMs: 30_000,
			headers: { "x-tenant": "acme" },
		});
		const event = await send();
		await receiver.waitFor(2);
		// Only the attempt that hangs may time out.
		await project.batch.webhooks.update(id, { spec: { timeoutMs: 3_000 } });
		second.resolve({ kind: "reset" });
		const { attempts, ...delivery } = await deliveryOf(event, hasEnded);
		expect(delivery).toMatchObject({
			status: "Failed",
			attemptCount: 3,
			nextAttemptDate: null,
			reason: expect.stringMatching(/^exhausted after 3 attempts: .*within 3,000 ms/i),
		});
		expect(attempts).toMatchObject([
			{ number: 1, trigger: "auto", responseCode: 500, error: null, response: { body: "no é", bodyTruncated: false } },
			{ number: 2, trigger: "auto", responseCode: 0, error: "reset", response: null },
			{ number: 3, trigger: "auto", responseCode: 0, error: "timeout", response: null },
		]);
		expect(attempts[0]?.response?.headers).toMatchObject({ "x-answer": "first" });
		expect(attempts[0]?.request.headers).toMatchObject({ "content-type": "application/json", "x-tenant": "***" });
		expect(attempts[2]?.durationMs).toBeGreaterThanOrEqual(3_000);
	});

	it("has only the start of a large response body", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500, body: "é".repeat(1_000_000) }));
		await createWebhook(receiver.url, { retries: { maxRetries: 0 } });
		const { attempts } = await deliveryOf(await send(), hasEnded);
		expect(attempts[0]?.response).toMatchObject({ body: expect.stringMatching(/^é+$/), bodyTruncated: true });
		expect(Buffer.byteLength(attempts[0]?.response?.body ?? "")).toBeLessThanOrEqual(16 * 1_024);
	});
});

describe(":test", () => {
	it("sends a signed sample at once, and returns exactly six fields", async () => {
		await using receiver = await startReceiver();
		const secret = utils.generateWebhookSecret();
		receiver.script(() => ({ status: 201, body: "thanks", delayMs: 25 }));
		const { id } = await createWebhook(receiver.url, { secret });
		const { status, json } = await action(id, "test");
		const latencyMs = expect.any(Number) as number;
		const expected = {
			status: "Ok",
			responseCode: 201,
			latencyMs,
			attemptCount: 1,
			body: "thanks",
			reason: null,
			failedBy: null,
		};
		expect([status, json]).toEqual([200, expected]);
		expect((json as { latencyMs: number }).latencyMs).toBeGreaterThanOrEqual(20);
		await expectSigned(receiver.requests[0]!, secret);
		expect(receiver.requests[0]?.headers["webhook-id"]).toMatch(/^evt_/);
	});

	it("of a failing endpoint is a 200 with Failed after all retries, and leaves nothing in the log, the stats or the metrics", async () => {
		await using receiver = await startReceiver();
		// The other one makes the retries that earlier tests have left, and counts them.
		await using alone = await startServerProcess();
		const { batch, deliveries, events } = alone.project;
		receiver.script(() => ({ status: 410 }));
		const gone = await alone.createWebhook(receiver.url, { retries: { maxRetries: 2, maxRetryDelay: 0 } });
		const nobody = await alone.createWebhook("http://127.0.0.1:9/", { retries: { maxRetries: 0 } });
		const metrics = await deliveryMetrics(alone);
		expect(await batch.webhooks.test(gone.id)).toEqual({
			status: "Failed",
			responseCode: 410,
			latencyMs: expect.any(Number),
			attemptCount: 3,
			body: null,
			reason: expect.stringContaining("410"),
			failedBy: "receiver",
		});
		expect(await batch.webhooks.test(nobody.id)).toEqual({
			status: "Failed",
			responseCode: 0,
			latencyMs: expect.any(Number),
			attemptCount: 1,
			body: null,
			reason: "connection refused by 127.0.0.1:9",
			failedBy: "receiver",
		});
		expect((await deliveries.list()).data).toEqual([]);
		expect((await events.list()).data).toEqual([]);
		expect(await deliveryMetrics(alone)).toEqual(metrics);
		expect(await batch.webhooks.get(gone.id)).toMatchObject({ status: "Enabled" });
	});
});

describe("a webhook", () => {
	it("that is paused gets nothing, and gets everything when it is resumed, in attempts that begin in order", async () => {
		await using receiver = await startReceiver();
		const { id } = await createWebhook(receiver.url);
		expect((await action(id, "pause")).json).toMatchObject({ status: "Paused" });
		const events = [];
		for (let data = 0; data < 20; data++) events.push(await send(data));
		expect(await deliveryOf(events[0]!, hasEnded)).toMatchObject({ status: "Held", nextAttemptDate: null });
		expect(receiver.requests).toEqual([]);
		await action(id, "resume");
		await receiver.waitFor(20);
		// Requests on several connections overtake each other.
		const arrived = receiver.requests.map(({ rawBody }) => Number(dataOf(rawBody))).toSorted((a, b) => a - b);
		expect(arrived).toEqual(events.map((_, data) => data));
		const startDates = [];
		for (const event of events) startDates.push((await deliveryOf(event, hasEnded)).attempts[0]?.startDate ?? 0);
		expect(startDates).toEqual(startDates.toSorted((a, b) => a - b));
	});

	it("that is deleted gets nothing any more; its waiting deliveries are Cancelled and can still be read", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const { id } = await createWebhook(receiver.url, { retries: { maxRetries: 1, scheduleMs: [3_600_000] } });
		const waiting = await send("waits");
		await deliveryOf(waiting, wasAttempted);
		await action(id, "pause");
		const late = await send("late");
		expect(await project.batch.webhooks.delete(id)).toEqual({ id, deleted: true });
		for (const [event, attemptCount] of [
			[waiting, 1],
			[late, 0],
		] as const) {
			const delivery = await deliveryOf(event, ({ status }) => status === "Cancelled");
			expect(delivery).toMatchObject({ webhookId: id, attemptCount, reason: expect.stringMatching(/deleted/) });
			expect(delivery.attempts).toHaveLength(attemptCount);
		}
		expect((await project.deliveries.list({ webhookId: id })).data).toHaveLength(2);
		expect((await server.call("GET", `/projects/${project.id}/batch/webhooks/${id}`)).status).toBe(404);
		expect(await send("nobody wants it")).toMatchObject({ deliveryCount: 0 });
		expect(receiver.requests).toHaveLength(1);
	});

	it("that hangs does not delay another webhook", async () => {
		await using small = await startServerProcess({ env: { FANFARE_MAX_IN_FLIGHT: "8" } });
		await using hanging = await startReceiver();
		await using healthy = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await small.createWebhook(hanging.url, { timeoutMs: 30_000 });
		await small.createWebhook(healthy.url);
		// Five times as many as may be in flight: few enough to arrive before the first attempt times out, also on a slow machine.
		await small.project.events.sendBatch(Array.from({ length: 40 }, (_, data) => ({ type: "a.b", data })));
		await healthy.waitFor(40);
		// All requests to the first one still hang, each on a connection of its own.
		expect(hanging.requests.length).toBeGreaterThan(0);
		await eventually("the receiver has read a request from each of its connections", () => {
			return hanging.openConnections === hanging.requests.length;
		});
		expect((await small.project.deliveries.list({ status: "Failed" })).data).toEqual([]);
	});
});

/** Expects that two independent libraries and the SDK verify the signature. */
async function expectSigned({ headers, rawBody }: ReceivedRequest, secret: string): Promise<void> {
	const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
	const parsed: unknown = JSON.parse(rawBody.toString());
	expect(new StandardWebhook(secret).verify(rawBody.toString(), plain)).toEqual(parsed);
	expect(new SvixWebhook(secret).verify(rawBody, plain)).toEqual(parsed);
	await expect(verify(rawBody, headers, secret)).resolves.toBeDefined();
}

/** A secret without its prefix, which is optional. */
function randomSecret(): string {
	return utils.generateWebhookSecret().replace("whsec_", "");
}

function dataOf(rawBody: Buffer): unknown {
	return (JSON.parse(rawBody.toString()) as { data: unknown }).data;
}

/** The lines of /metrics about events, deliveries and attempts. */
async function deliveryMetrics(asked: ServerProcess): Promise<string[]> {
	const { text } = await asked.call("GET", "/metrics");
	return text.split("\n").filter((line) => /^fanfare_(attempt|deliver|event)/.test(line));
}

/** A receiver that keeps one request exactly as it was sent, which an HTTP server does not. */
async function captureOne(): Promise<{ url: string; request: Promise<string> }> {
	const { promise, resolve } = Promise.withResolvers<string>();
	const listener = createServer((socket) => {
		let text = "";
		socket.setEncoding("utf8").on("data", (piece: string) => {
			text += piece;
			const [head = "", body] = text.split("\r\n\r\n");
			const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
			if (body === undefined || Buffer.byteLength(body) < length) return;
			resolve(text);
			listener.close();
			socket.end("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
		});
	});
	await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
	return { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`, request: promise };
}
