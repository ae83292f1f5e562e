// Traces: what a collector gets of sends and attempts, and what happens while it is away.
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { startHere, type ServerHere } from "./server-here.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const CALLER = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const UNSAMPLED = `00-${TRACE_ID}-b7ad6b7169203331-00`;
const ONE_RETRY = { maxRetries: 1, maxRetryDelay: 10 };

interface OtlpSpan {
	readonly traceId: string;
	readonly spanId: string;
	readonly parentSpanId?: string;
	readonly name: string;
	readonly kind: number;
	readonly startTimeUnixNano: string;
	readonly endTimeUnixNano: string;
	readonly attributes: readonly { key: string; value: Readonly<Record<string, unknown>> }[];
	readonly status: { readonly code: number };
}

/** The spans that a collector has got, and the resource that they name. */
function spansOf(collector: Receiver): OtlpSpan[] {
	return collector.requests.flatMap(({ rawBody }) => {
		const { resourceSpans } = JSON.parse(rawBody.toString()) as {
			resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
		};
		return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
	});
}

function factsOf({ attributes }: OtlpSpan): Record<string, unknown> {
	return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

async function waitForSpans(collector: Receiver, count: number): Promise<OtlpSpan[]> {
	return eventually(`the collector has ${count} spans`, () => {
		const spans = spansOf(collector);
		return spans.length >= count && spans;
	});
}

function startTraced(collector: Receiver, env: Readonly<Record<string, string>> = {}): Promise<ServerHere> {
	return startHere({ FANFARE_TRACES_URL: `${collector.url}/v1/traces`, ...env });
}

describe("traces", () => {
	it("have a span for the send and one for each attempt, from the caller's to the receiver's", async () => {
		await using collector = await startReceiver();
		await using receiver = await startReceiver();
		receiver.script((_, index) => ({ status: index === 0 ? 500 : 204 }));
		await using server = await startTraced(collector);
		const { id: webhookId } = await server.createWebhook(`${receiver.url}/hook?token=hidden`, { retries: ONE_RETRY });
		const { id: eventId } = await server.project.events.send(
			{ type: "order.paid", data: { note: "hidden" } },
			{ traceparent: CALLER },
		);
		const spans = await waitForSpans(collector, 3);
		const accept = spans.find(({ name }) => name === "accept");
		const attempts = spans.filter(({ name }) => name === "attempt");
		expect(spans).toHaveLength(3);
		expect(accept).toMatchObject({ traceId: TRACE_ID, parentSpanId: "b7ad6b7169203331", kind: 2, status: { code: 0 } });
		const event = {
			"fanfare.project.id": server.projectId,
			"fanfare.event.id": eventId,
			"fanfare.event.type": "order.paid",
		};
		expect(factsOf(accept!)).toEqual({ ...event, "fanfare.event.deliveries": 1, "fanfare.event.duplicate": false });
		expect(attempts.map(({ traceId, parentSpanId, kind }) => [traceId, parentSpanId, kind])).toEqual([
			[TRACE_ID, accept?.spanId, 3],
			[TRACE_ID, accept?.spanId, 3],
		]);
		const [first, second] = attempts.map(factsOf);
		const port = Number(new URL(receiver.url).port);
		expect(first).toEqual({
			...event,
			"fanfare.webhook.id": webhookId,
			"fanfare.delivery.id": expect.stringMatching(/^dlv_/),
			"fanfare.attempt.number": 1,
			"fanfare.attempt.trigger": "auto",
			"http.request.method": "POST",
			"http.response.status_code": 500,
			"server.address": "127.0.0.1",
			"server.port": port,
			"error.type": "status_5xx",
		});
		expect(second).toMatchObject({ "fanfare.attempt.number": 2, "http.response.status_code": 204 });
		expect(second).not.toHaveProperty("error.type");
		expect(attempts.map(({ status }) => status.code)).toEqual([2, 0]);
		for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
			expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
		}
		// Each attempt names itself as the parent of what the receiver does, and the log shows what was sent.
		const sent = attempts.map(({ spanId }) => `00-${TRACE_ID}-${spanId}-01`);
		expect(receiver.requests.map(({ headers }) => headers["traceparent"])).toEqual(sent);
		const { attempts: logged } = await server.waitForDelivery(eventId, ({ status }) => status === "Succeeded");
		expect(logged.map(({ request }) => request?.headers["traceparent"])).toEqual(sent);
		expect(Buffer.concat(collector.requests.map(({ rawBody }) => rawBody)).toString()).not.toContain("hidden");
	});

	it("begin with Fanfare if the caller has none, and one belongs to all events of a batch", async () => {
		await using collector = await startReceiver();
		await using receiver = await startReceiver();
		await using server = await startTraced(collector);
		await server.createWebhook(receiver.url);
		const { id: deletedId } = await server.createWebhook(receiver.url);
		await server.project.batch.webhooks.delete(deletedId);
		await server.project.events.sendBatch([
			{ type: "a.b", data: 1 },
			{ type: "a.b", data: 2 },
			{ type: "a.b", data: 3, webhookIds: [deletedId] },
		]);
		const spans = await waitForSpans(collector, 3);
		const accept = spans.find(({ name }) => name === "accept")!;
		expect(accept.parentSpanId ?? "").toBe("");
		expect(factsOf(accept)).toMatchObject({ "fanfare.batch.events": 3, "fanfare.batch.refused": 1 });
		expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
		expect(spans.filter(({ parentSpanId }) => parentSpanId === accept.spanId)).toHaveLength(2);
	});

	it("leave out what the caller or the ratio leaves out, and tell the receiver so", async () => {
		await using collector = await startReceiver();
		await using receiver = await startReceiver();
		await using server = await startTraced(collector, { FANFARE_TRACES_RATIO: "0" });
		await server.createWebhook(receiver.url);
		await server.project.events.send({ type: "a.b", data: 1 }, { traceparent: UNSAMPLED });
		await server.project.events.send({ type: "a.b", data: 2 });
		await server.project.events.send({ type: "a.b", data: 3 }, { traceparent: CALLER });
		await receiver.waitFor(3);
		// The end of the server sends what waits.
		await server.running.stop();
		expect(spansOf(collector).map(({ traceId, name }) => [traceId, name])).toEqual([
			[TRACE_ID, "accept"],
			[TRACE_ID, "attempt"],
		]);
		const flags = receiver.requests.map(({ headers }) => String(headers["traceparent"]).slice(-2));
		expect(flags.toSorted()).toEqual(["00", "00", "01"]);
	});

	it("are lost while the collector is away, which the log says once; nothing else is", async () => {
		await using receiver = await startReceiver();
		const collector = await startReceiver();
		await using server = await startTraced(collector);
		await collector[Symbol.asyncDispose]();
		await server.createWebhook(receiver.url);
		const lost = () => server.log.filter(({ msg }) => String(msg).includes("traces could not be sent"));
		await server.project.events.send({ type: "a.b", data: 1 });
		await eventually("the log says that traces are lost", () => lost().length > 0);
		await server.project.events.send({ type: "a.b", data: 2 });
		await receiver.waitFor(2);
		await server.running.stop();
		expect(lost()).toHaveLength(1);
	});
});
