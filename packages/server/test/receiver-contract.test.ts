// What a receiver gets, byte for byte, and what the log shows of its responses, as docs/failure-modes.md describes. What each response means
// to a delivery is tested in `src/engine`.
import { createServer, type AddressInfo } from "node:net";

import { utils, verify, type Delivery, type DeliveryDetail, type ProjectHandle, type WebhookSpec } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Answer, type ReceivedRequest } from "@fanfare/testkit/receiver";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { startHere, type ServerHere } from "./server-here.ts";

const EVENT_TIME = Date.parse("2026-11-24T13:24:00.000Z");

let server: ServerHere;
let project: ProjectHandle;
beforeAll(async () => {
	server = await startHere();
});
afterAll(() => server[Symbol.asyncDispose]());
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

	it("is verified with a secret that the SDK has generated, which the server never shows", async () => {
		await using receiver = await startReceiver();
		const created = await server.createWebhook(receiver.url);
		await server.project.events.send({ type: "order.paid", data: { orderId: 42 } });
		const { rawBody, headers } = (await receiver.waitFor(1))[0]!;
		expect(await verify(rawBody, headers, created.secret)).toMatchObject({ data: { orderId: 42 } });
		expect(created.secretHint).toBe(created.secret.slice(-4));
		const shown = JSON.stringify([await server.project.batch.webhooks.get(created.id), server.log]);
		expect(shown).not.toContain(created.secret.slice("whsec_".length));
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

it("the log has each attempt with the reason of its failure, and says when the retries are exhausted", async () => {
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
	await project.batch.webhooks.update(id, { spec: { timeoutMs: 1_000 } });
	second.resolve({ kind: "reset" });
	const { attempts, ...delivery } = await deliveryOf(event, hasEnded);
	expect(delivery).toMatchObject({
		status: "Failed",
		attemptCount: 3,
		nextAttemptDate: null,
		reason: expect.stringMatching(/^exhausted after 3 attempts: .*within 1,000 ms/i),
	});
	expect(attempts).toMatchObject([
		{ number: 1, trigger: "auto", responseCode: 500, error: null, response: { body: "no é", bodyTruncated: false } },
		{ number: 2, trigger: "auto", responseCode: 0, error: "reset", response: null },
		{ number: 3, trigger: "auto", responseCode: 0, error: "timeout", response: null },
	]);
	expect(attempts[0]?.response?.headers).toMatchObject({ "x-answer": "first" });
	expect(attempts[0]?.request.headers).toMatchObject({ "content-type": "application/json", "x-tenant": "***" });
	expect(attempts[2]?.durationMs).toBeGreaterThanOrEqual(1_000);
});

it("a :test is a 200 also if it fails after all retries, and leaves nothing in the log, the stats or the metrics", async () => {
	await using receiver = await startReceiver();
	// The other server makes the retries that earlier tests have left, and counts them.
	await using alone = await startHere();
	receiver.script(() => ({ status: 410 }));
	const gone = await alone.createWebhook(receiver.url, { retries: { maxRetries: 2, maxRetryDelay: 0 } });
	const metrics = await deliveryMetrics(alone);
	expect(await alone.project.batch.webhooks.test(gone.id)).toEqual({
		status: "Failed",
		responseCode: 410,
		latencyMs: expect.any(Number),
		attemptCount: 3,
		body: null,
		reason: expect.stringContaining("410"),
		failedBy: "receiver",
	});
	expect((await alone.project.deliveries.list()).data).toEqual([]);
	expect((await alone.project.events.list()).data).toEqual([]);
	expect(await deliveryMetrics(alone)).toEqual(metrics);
	expect(await alone.project.batch.webhooks.get(gone.id)).toMatchObject({ status: "Enabled" });
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

/** The lines of /metrics about events, deliveries and attempts. */
async function deliveryMetrics(asked: ServerHere): Promise<string[]> {
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
