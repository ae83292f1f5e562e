// The stream of a project, from a server with scripted responses.
import { setImmediate as nextTurn } from "node:timers/promises";

import { afterEach, describe, expect, it, vi } from "vitest";

import * as sdk from "../src/index.ts";
import type { Runtime } from "../src/platform.ts";
import { json, KEY, PROJECT_ID, raw, reset, ScriptedServer, testClient, type Step } from "./scripted-server.ts";

const path = `/projects/${PROJECT_ID}/stream`;
const item = (n: number) => ({
	object: "streamItem",
	id: `e-${n}`,
	kind: "event.accepted",
	projectId: PROJECT_ID,
	date: n,
	eventId: `evt_${n}`,
	eventType: "order.paid",
	deliveryCount: 1,
});
const itemText = (n: number) => `id: e-${n}\nevent: event.accepted\ndata: ${JSON.stringify(item(n))}\n\n`;
const controlText = (kind: string) => `event: ${kind}\ndata: {"object":"streamItem","kind":"${kind}","reason":"r"}\n\n`;

/** Sends these pieces, and then ends the response, stays silent, or resets the connection after `then` has resolved. */
function stream(pieces: readonly string[], then: "end" | "hang" | Promise<void> = "end"): Step {
	return (response) => {
		response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
		response.write(`retry: 100\nid: e-0\n\n${pieces.join("")}`, () => {
			if (then === "end") response.end();
			else if (then !== "hang") void then.then(() => response.socket?.resetAndDestroy());
		});
	};
}

/** Reads the first `count` items, then leaves the loop. */
async function take(items: AsyncIterable<sdk.StreamItem>, count: number): Promise<sdk.StreamItem[]> {
	const taken: sdk.StreamItem[] = [];
	for await (const each of items) if (taken.push(each) === count) break;
	return taken;
}

/** After this time without a byte, a stream counts as lost. */
const SILENT_MS = 45_000;

afterEach(() => void vi.useRealTimers());

const open = (server: ScriptedServer) => testClient(server).client.project(PROJECT_ID);

describe("project.stream", () => {
	it("yields items as they arrive, and sends its filters, its position and the key", async () => {
		await using server = await ScriptedServer.start(stream([itemText(1), itemText(2)], "hang"));
		const items = open(server).stream({
			kinds: ["event.accepted", "webhook.updated"],
			webhookId: "webhook_1",
			eventTypes: ["a.*", "b"],
			lastEventId: "e-9",
		});
		expect(server.requests).toEqual([]);
		expect(await take(items, 2)).toEqual([item(1), item(2)]);
		expect(server.last.url).toBe(
			`${path}?kinds=event.accepted%2Cwebhook.updated&webhookId=webhook_1&eventTypes=a.*%2Cb`,
		);
		expect(server.last.headers).toMatchObject({
			accept: "text/event-stream",
			"last-event-id": "e-9",
			"secret-key": KEY,
		});
	});

	it("continues at the same position when the connection ends, also after a message without an item", async () => {
		await using server = await ScriptedServer.start(
			stream([itemText(1), itemText(2)]),
			stream([": heartbeat\nid: e-5\n\n"]),
			stream([itemText(6)], "hang"),
		);
		expect(await take(open(server).stream(), 3)).toEqual([item(1), item(2), item(6)]);
		expect(server.requests.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "e-2", "e-5"]);
	});

	it("continues at the same position when the connection is reset", async () => {
		const hasTwo = Promise.withResolvers<void>();
		await using server = await ScriptedServer.start(
			stream([itemText(1), itemText(2)], hasTwo.promise),
			stream([itemText(3)], "hang"),
		);
		const taken: sdk.StreamItem[] = [];
		for await (const each of open(server).stream()) {
			taken.push(each);
			// Before, a reset could discard what the client has not read yet.
			if (taken.length === 2) hasTwo.resolve();
			if (taken.length === 3) break;
		}
		expect(taken).toEqual([item(1), item(2), item(3)]);
		expect(server.requests.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "e-2"]);
	});

	it("yields all items of the last piece before the end, and none twice", async () => {
		const cut = itemText(3).slice(0, -10);
		await using server = await ScriptedServer.start(
			stream([itemText(1), itemText(2), cut]),
			stream([itemText(3)], "hang"),
		);
		expect(await take(open(server).stream(), 3)).toEqual([item(1), item(2), item(3)]);
		expect(server.last.headers["last-event-id"]).toBe("e-2");
	});

	it.each(["dropped", "end"])("reconnects after %s, and yields a gap as an item", async (last) => {
		await using server = await ScriptedServer.start(
			stream([itemText(1), controlText(last)], "hang"),
			stream([`id: e-7\n${controlText("gap")}`, itemText(8)], "hang"),
		);
		const gap = { object: "streamItem", kind: "gap", reason: "r" };
		expect(await take(open(server).stream(), 3)).toEqual([item(1), gap, item(8)]);
	});

	it("reconnects any number of times after a first success, and waits longer while nothing arrives", async () => {
		const lost = Array.from({ length: 6 }, () => reset);
		await using server = await ScriptedServer.start(stream([itemText(1)]), ...lost, stream([itemText(2)], "hang"));
		const { client, waits } = testClient(server);
		expect(await take(client.project(PROJECT_ID).stream(), 2)).toEqual([item(1), item(2)]);
		expect(waits).toEqual([100, 500, 1_000, 2_000, 4_000, 8_000, 8_000]);
	});

	it("fails like any call if the server was never reachable", async () => {
		await using server = await ScriptedServer.start(reset, reset, reset);
		const { client } = testClient(server, { maxRetries: 2 });
		await expect(take(client.project(PROJECT_ID).stream(), 1)).rejects.toBeInstanceOf(sdk.ConnectionError);
		expect(server.requests).toHaveLength(3);
	});

	it("treats streams that end before the first message as failures", async () => {
		const empty: Step = (response) => response.writeHead(200, { "content-type": "text/event-stream" }).end();
		await using server = await ScriptedServer.start(empty, empty, stream([itemText(1)], "hang"));
		const { client, waits } = testClient(server);
		await take(client.project(PROJECT_ID).stream(), 1);
		expect(waits).toEqual([1_000, 1_000]);
	});

	it("waits as long as a full server asks", async () => {
		const full = json(503, { message: "full", code: "overloaded" }, { "retry-after": "7" });
		await using server = await ScriptedServer.start(full, stream([itemText(1)], "hang"));
		const { client, waits } = testClient(server);
		await take(client.project(PROJECT_ID).stream(), 1);
		expect(waits).toEqual([7_000]);
	});

	const noStream = (retryAfter: string) =>
		json(503, { message: "the project has its share", code: "too_many_streams" }, { "retry-after": retryAfter });
	const polled = (lastEventId: string, items: readonly number[], hasMore = false): Step =>
		json(200, { object: "streamItems", data: items.map(item), lastEventId, hasMore });

	it("polls at the same position while the server has no stream, says so, and streams again after Retry-After", async () => {
		await using server = await ScriptedServer.start(
			stream([itemText(1)]),
			noStream("12"),
			polled("e-3", [2, 3], true),
			polled("e-4", [4]),
			polled("e-4", []),
			polled("e-6", [6]),
			polled("e-6", []),
			noStream("1"),
			polled("e-7", [7]),
			polled("e-7", []),
			stream([itemText(8)], "hang"),
		);
		const { client, waits } = testClient(server);
		const modes: sdk.StreamMode[] = [];
		const params = { kinds: ["event.accepted"], webhookId: "webhook_1" } as const;
		const items = client.project(PROJECT_ID).stream(params, { onMode: (mode) => modes.push(mode) });
		expect(await take(items, 7)).toEqual([1, 2, 3, 4, 6, 7, 8].map(item));
		expect(modes).toEqual([
			{ mode: "live" },
			{ mode: "polling", reason: "the project has its share" },
			{ mode: "live" },
		]);
		expect(waits).toEqual([100, 5_000, 5_000, 2_000, 1_000]);
		const filter = "kinds=event.accepted&webhookId=webhook_1";
		expect(server.requests.map(({ url, headers }) => [url, headers["last-event-id"]]).slice(1, 5)).toEqual([
			[`${path}?${filter}`, "e-1"],
			[`${path}/items?${filter}&lastEventId=e-1`, undefined],
			[`${path}/items?${filter}&lastEventId=e-3`, undefined],
			[`${path}/items?${filter}&lastEventId=e-4`, undefined],
		]);
		expect(server.last.headers["last-event-id"]).toBe("e-7");
	});

	it("says once that the connection is lost, and once that it is back, when something has come", async () => {
		const cut: Step = (response) => response.writeHead(200, { "content-type": "text/event-stream" }).end();
		const full = json(503, { message: "The server is overloaded.", code: "overloaded" });
		await using server = await ScriptedServer.start(
			reset,
			stream([itemText(1)]),
			reset,
			cut,
			full,
			stream([itemText(2)]),
			full,
			noStream("0"),
			polled("e-3", [3]),
			stream([itemText(4)], "hang"),
		);
		const { client } = testClient(server);
		const modes: sdk.StreamMode[] = [];
		const items = client.project(PROJECT_ID).stream({}, { onMode: (mode) => modes.push(mode) });
		expect(await take(items, 4)).toEqual([1, 2, 3, 4].map(item));
		expect(modes).toEqual([
			{ mode: "live" },
			{ mode: "away", reason: "The connection was cut off." },
			{ mode: "live" },
			{ mode: "away", reason: "The server is overloaded." },
			{ mode: "polling", reason: "the project has its share" },
			{ mode: "live" },
		]);
	});

	it("polls from the start if the first stream is refused, and yields a gap", async () => {
		const gap = { object: "streamItem", kind: "gap", reason: "r" };
		const gapPage = json(200, { object: "streamItems", data: [gap, item(5)], lastEventId: "e-5", hasMore: false });
		await using server = await ScriptedServer.start(noStream("30"), polled("e-2", []), gapPage);
		const { client } = testClient(server);
		expect(await take(client.project(PROJECT_ID).stream(), 2)).toEqual([gap, item(5)]);
		expect(server.requests.map(({ url }) => url)).toEqual([path, `${path}/items`, `${path}/items?lastEventId=e-2`]);
	});

	it("fails if polling is refused for good, and asks for a stream again when polling fails for now", async () => {
		await using server = await ScriptedServer.start(
			noStream("30"),
			json(500, { message: "oops" }),
			stream([itemText(1)], "hang"),
			noStream("30"),
			json(401, { message: "no such key", code: "unknown_key" }),
		);
		const { client } = testClient(server);
		const items = () => client.project(PROJECT_ID).stream({}, { maxRetries: 0 });
		await expect(take(items(), 1)).rejects.toBeInstanceOf(sdk.InternalServerError);
		expect(await take(items(), 1)).toEqual([item(1)]);
		await expect(take(items(), 1)).rejects.toBeInstanceOf(sdk.AuthenticationError);
	});

	it("fails at once if a retry is pointless, even after a success", async () => {
		const unknown = json(401, { message: "no such key", code: "unknown_key" });
		await using server = await ScriptedServer.start(json(404, { message: "none" }), stream([itemText(1)]), unknown);
		await expect(take(open(server).stream(), 1)).rejects.toBeInstanceOf(sdk.NotFoundError);
		await expect(take(open(server).stream(), 2)).rejects.toBeInstanceOf(sdk.AuthenticationError);
	});

	it("does not accept a page as a stream", async () => {
		await using server = await ScriptedServer.start(raw(200, "<html>", { "content-type": "text/html" }), json(200, {}));
		for (let n = 0; n < 2; n++)
			await expect(take(open(server).stream(), 1)).rejects.toBeInstanceOf(sdk.UnexpectedResponseError);
	});

	it("says what is missing if the fetch returns no body", async () => {
		const headers = { get: () => "text/event-stream" };
		const client = new sdk.Client(KEY, { fetch: async () => ({ status: 200, headers, text: async () => "" }) });
		await expect(take(client.project(PROJECT_ID).stream(), 1)).rejects.toThrow(/without a readable body/);
	});

	it("ends with the signal's reason while reading, connecting and waiting", async () => {
		const reason = new Error("enough");
		const controllers = Array.from({ length: 3 }, () => new AbortController());
		const [whileReading, whileConnecting, whileWaiting] = controllers.map((each) => () => each.abort(reason));
		const sleep: Runtime["sleep"] = (_ms, signal) => {
			const slept = new Promise<void>((_resolve, reject) => signal?.addEventListener("abort", () => reject(reason)));
			whileWaiting!();
			return slept;
		};
		const steps = [stream([itemText(1)], "hang"), () => whileConnecting!(), reset];
		for (const [index, step] of steps.entries()) {
			await using server = await ScriptedServer.start(step);
			const { client } = testClient(server, {}, { sleep });
			const items = client.project(PROJECT_ID).stream({}, { signal: controllers[index]!.signal });
			const reading = (async () => {
				for await (const _item of items) setImmediate(whileReading!);
			})();
			await expect(reading).rejects.toBe(reason);
		}
	});

	it("closes the connection when the loop is left", async () => {
		const { promise: closed, resolve } = Promise.withResolvers<void>();
		await using server = await ScriptedServer.start((response, request) => {
			response.on("close", resolve);
			stream([itemText(1)], "hang")(response, request);
		});
		await take(open(server).stream(), 1);
		await closed;
	});

	it("treats a silent connection as lost", async () => {
		await using server = await ScriptedServer.start(stream([itemText(1)], "hang"), stream([itemText(2)], "hang"));
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const items = open(server).stream()[Symbol.asyncIterator]();
		expect(await items.next()).toEqual({ done: false, value: item(1) });
		const second = items.next();
		await nextTurn();
		vi.advanceTimersByTime(SILENT_MS - 1);
		await nextTurn();
		expect(server.requests).toHaveLength(1);
		vi.advanceTimersByTime(1);
		expect(await second).toEqual({ done: false, value: item(2) });
		expect(server.last.headers["last-event-id"]).toBe("e-1");
		await items.return?.();
	});
});
