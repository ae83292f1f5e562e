// Relays over real sockets with the SDK's connection: exact bytes, and clients and servers that go away.
import { verifySignature, type PutRelay, type RelayRequest, type RelayState } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { describe, expect, it } from "vitest";

const SECRET = `whsec_${Buffer.alloc(32, "secret").toString("base64")}`;

/** Of a body, in each direction. */
const LARGEST_BYTES = 256 * 1_024;

/** A client that collects its requests, and answers each with what `respond` returns, or never. */
function connect(
	server: ServerProcess,
	respond: (request: RelayRequest) => Parameters<RelayRequest["answer"]>[0] | null,
	relay: Partial<PutRelay> = {},
) {
	const controller = new AbortController();
	const states: RelayState[] = [];
	const requests: RelayRequest[] = [];
	const options = { signal: controller.signal, onState: (state: RelayState) => void states.push(state) };
	const connection = server.project.relays.connect({ device: "laptop", secret: SECRET, ...relay }, options);
	const done = (async () => {
		for await (const request of connection) {
			requests.push(request);
			const response = respond(request);
			if (response !== null) await request.answer(response);
		}
	})().catch((error: unknown) => error);
	return {
		requests,
		states,
		done,
		isReady: (count = 1) =>
			eventually(
				`the client to be ready ${count} times`,
				() => states.filter(({ state }) => state === "ready").length >= count,
			),
		stop: () => (controller.abort(), done),
	};
}

const delivered = (server: ServerProcess, eventId: string) =>
	eventually(`the delivery of ${eventId}`, async () => {
		const { data } = await server.project.deliveries.list({ eventId });
		return data[0]?.status === "Succeeded" ? data[0] : null;
	});

describe("a relay", () => {
	it("gives its client what any receiver gets, byte for byte, and logs its answer", async () => {
		await using server = await startServerProcess();
		const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
		const headers = [
			["X-B", "2"],
			["x-a", "1"],
			["X-B", "3"],
		] as const;
		const client = connect(server, () => ({ status: 201, headers, body: everyByte }));
		await client.isReady();
		const text = `"\u0000 \u2028 ünï ${"x".repeat(200_000)} 12345678901234567890"`;
		const event = await server.project.events.send({ type: "order.paid", data: { text, n: 0.1 } });
		await delivered(server, event.id);
		const [request] = client.requests;
		const signed = Object.fromEntries(request?.headers ?? []);
		const body = Buffer.from(request?.body ?? []).toString("utf8");
		await verifySignature(body, signed, SECRET);
		expect(JSON.parse(body)).toMatchObject({ type: "order.paid", data: { text, n: 0.1 } });
		const [delivery] = (await server.project.deliveries.list({ eventId: event.id })).data;
		const { attempts } = await server.project.deliveries.get(delivery?.id ?? "");
		expect(attempts).toMatchObject([
			{ responseCode: 201, response: { headers: { "x-a": "1", "x-b": "2, 3" }, body: "[binary, 256 bytes]" } },
		]);
		expect((await server.project.batch.webhooks.list()).data).toEqual([]);
		await client.stop();
	});

	it("takes 256 KiB both ways, with every byte and each header in its place, and logs the start of the answer", async () => {
		await using server = await startServerProcess();
		const large = Uint8Array.from({ length: LARGEST_BYTES }, (_, n) => n % 256);
		const headers = Array.from({ length: 100 }, (_, n) => [`x-${n % 10}`, `${n}`] as const);
		const client = connect(server, () => ({ status: 200, headers, body: large }));
		await client.isReady();
		const event = await server.project.events.send({
			type: "order.paid",
			data: "\u20ac".repeat(LARGEST_BYTES / 3 - 100),
		});
		await delivered(server, event.id);
		const [request] = client.requests;
		expect(request?.body.length).toBeGreaterThan(LARGEST_BYTES - 300);
		await verifySignature(
			Buffer.from(request?.body ?? []).toString(),
			Object.fromEntries(request?.headers ?? []),
			SECRET,
		);
		const [delivery] = (await server.project.deliveries.list({ eventId: event.id })).data;
		const { attempts } = await server.project.deliveries.get(delivery?.id ?? "");
		const tens = Array.from({ length: 10 }, (_, ten) => ten * 10).join(", ");
		expect(attempts).toMatchObject([
			{ responseCode: 200, response: { headers: { "x-0": tens }, bodyTruncated: true } },
		]);
		await client.stop();
	});

	it("tells a client that its relay was deleted, and ends its iteration: deliveries are cancelled", async () => {
		await using server = await startServerProcess();
		const client = connect(server, () => null);
		await client.isReady();
		const event = await server.project.events.send({ type: "order.paid", data: 1 });
		await eventually("the request", () => client.requests.length === 1);
		const [relay] = await server.project.relays.list();
		await server.project.relays.delete(relay?.id ?? "");
		expect(await client.done).toBeUndefined();
		expect(client.states.at(-1)).toMatchObject({ state: "deleted" });
		const ended = await eventually("the delivery to end", async () => {
			const [delivery] = (await server.project.deliveries.list({ eventId: event.id })).data;
			return delivery?.status === "Pending" ? null : delivery;
		});
		expect(ended).toMatchObject({ status: "Cancelled", reason: "the webhook was deleted" });
		expect(await client.requests[0]?.answer({ status: 200 })).toBe(false);
	});

	it("gives a request that was under way when the server was killed only once to a client that has answered it", async () => {
		await using server = await startServerProcess();
		const held: RelayRequest[] = [];
		const client = connect(server, (request) => {
			held.push(request);
			return null;
		});
		await client.isReady();
		const event = await server.project.events.send({ type: "order.paid", data: 1 });
		await eventually("the request", () => held.length === 1);
		server.kill("SIGKILL");
		await server.exited;
		// The receiver responds while the server is away.
		expect(await held[0]?.answer({ status: 200 })).toBe(false);
		await server.restart();
		await delivered(server, event.id);
		expect(client.requests).toHaveLength(1);
		const [delivery] = (await server.project.deliveries.list({ eventId: event.id })).data;
		expect(delivery).toMatchObject({ attemptCount: 1 });
		await client.stop();
	});

	it("tells a client that another one has its relay, and ends its iteration", async () => {
		await using server = await startServerProcess();
		const older = connect(server, () => ({ status: 200 }));
		await older.isReady();
		const newer = connect(server, () => ({ status: 200 }));
		await newer.isReady();
		expect(await older.done).toBeUndefined();
		expect(older.states.at(-1)).toMatchObject({ state: "replaced" });
		const event = await server.project.events.send({ type: "order.paid", data: 1 });
		await delivered(server, event.id);
		expect([older.requests.length, newer.requests.length]).toEqual([0, 1]);
		await newer.stop();
	});

	it("answers for a receiver that does not respond in time, and reports what else fails", async () => {
		await using server = await startServerProcess();
		const client = connect(server, () => null, { timeoutMs: 1_000 });
		await client.isReady();
		const event = await server.project.events.send({ type: "order.paid", data: 1 });
		const attempt = await eventually("the attempt", async () => {
			const [delivery] = (await server.project.deliveries.list({ eventId: event.id })).data;
			return (await server.project.deliveries.get(delivery?.id ?? "")).attempts[0];
		});
		expect(attempt).toMatchObject({
			error: "timeout",
			reason: expect.stringMatching(/^the receiver did not respond within \d+ ms$/),
		});
		const retried = await eventually("the next attempt", () => client.requests[1]);
		await retried.fail("refused", "nothing listens on localhost:3000");
		await client.stop();
	});

	it("is refused if the server's operator has turned relays off, or if the limit is reached", async () => {
		await using server = await startServerProcess({ env: { FANFARE_MAX_RELAYS: "1" } });
		const put = (device: string) => server.project.relays.put({ device, secret: SECRET });
		await put("a");
		await expect(put("b")).rejects.toMatchObject({ status: 409, code: "too_many_relays" });
		await server.stop();
		await server.restart({ FANFARE_RELAYS: "false" });
		await expect(put("a")).rejects.toMatchObject({ status: 403, code: "relays_off" });
		const [relay] = await server.project.relays.list();
		await expect(
			(async () => {
				for await (const _ of server.project.relays.connect({ device: "a", secret: SECRET })) break;
			})(),
		).rejects.toMatchObject({ code: "relays_off" });
		expect(relay?.connected).toBe(false);
	});
});
