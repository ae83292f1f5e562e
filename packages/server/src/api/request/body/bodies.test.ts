// Request bodies: their limits, and what a body must be.
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { PassThrough } from "node:stream";

import { startReceiver } from "@fanfare/testkit/receiver";
import { serve } from "@hono/node-server";
import { describe, expect, it, onTestFinished } from "vitest";

import { systemClock } from "../../../adapters/system/system-clock.ts";
import type { FanfareError } from "../../../core/errors.ts";
import { ManualClock } from "../../../core/manual-clock.ts";
import { expectRefusals, problem, refused } from "../../test/answers.ts";
import { caller, type Caller } from "../../test/caller.ts";
import { BodyBudget, type BodyOwner } from "./body-budget.ts";
import { BodyPace, BYTES_PER_WINDOW, PACE_WINDOW_MS } from "./body-pace.ts";
import { BodyReader } from "./body-reader.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;

/** A project, or one of its customers. */
const of = (name: string, customerId: string | null = null): BodyOwner => ({ name, customerId });

/** A stream that returns `chunk` for ever, and counts how often it was read. */
function endless(chunk: Uint8Array): { stream: ReadableStream; asked: () => number; cancelled: () => boolean } {
	let asked = 0;
	let cancelled = false;
	const stream = new ReadableStream({
		pull(controller) {
			asked++;
			controller.enqueue(chunk);
		},
		cancel() {
			cancelled = true;
		},
	});
	return { stream, asked: () => asked, cancelled: () => cancelled };
}

function eventOf(bytes: number): string {
	const shell = '{"type":"a","data":""}';
	return `{"type":"a","data":"${"x".repeat(bytes - shell.length)}"}`;
}

/** Lets all commits wait until `open` is called. `handled` resolves when one waits. */
function holdCommits({ store, test }: Pick<Caller, "store" | "test">) {
	const { promise: gate, resolve: open } = Promise.withResolvers<void>();
	const { promise: handled, resolve: handle } = Promise.withResolvers<void>();
	store.commit = async (batch) => {
		handle();
		await gate;
		return test.store.commit(batch);
	};
	return { open, handled };
}

describe("body limits", () => {
	it("accept 256 KiB for an event, and not a byte more", async () => {
		const { call } = await caller();
		expect((await call("POST", "./events", eventOf(256 * KIB))).status).toBe(202);
		const { status, json } = await call("POST", "./events", eventOf(256 * KIB + 1));
		expect([status, json["code"]]).toEqual([413, "payload_too_large"]);
	});

	it("accept 5 MiB for a batch and 1 MiB for management calls, and not a byte more", async () => {
		const { call } = await caller();
		const batch = (bytes: number): string => `{"events":[{"type":"a","data":1}]${" ".repeat(bytes - 34)}}`;
		expect(batch(5 * MIB)).toHaveLength(5 * MIB);
		expect((await call("POST", "./events:batch", batch(5 * MIB))).status).toBe(202);
		expect((await call("POST", "./events:batch", batch(5 * MIB + 1))).status).toBe(413);
		const project = (bytes: number): string => `{"name":"a"${" ".repeat(bytes - 12)}}`;
		expect((await call("POST", "/workspace/projects", project(MIB))).status).toBe(200);
		expect((await call("POST", "/workspace/projects", project(MIB + 1))).status).toBe(413);
	});

	it("stop the reading as soon as a body is too large, whatever length was announced", async () => {
		const { call } = await caller();
		const { stream, asked, cancelled } = endless(new Uint8Array(64 * KIB));
		expect((await call("POST", "./events", stream)).status).toBe(413);
		expect(asked()).toBeLessThan(10);
		expect(cancelled()).toBe(true);
	});

	it("refuse a body by its announced length, before reading it", async () => {
		const { call } = await caller();
		const { stream, asked } = endless(new Uint8Array(KIB));
		const { status } = await call("POST", "./events", stream, { "content-length": String(256 * KIB + 1) });
		expect(status).toBe(413);
		expect(asked()).toBeLessThan(3);
	});

	it("limit the bytes in memory over all requests, and release them afterwards", async () => {
		const { call } = await caller({ bodyBytesInHand: 200 * KIB });
		const full = await call("POST", "./events", eventOf(101 * KIB));
		expect(full).toMatchObject(problem(503, "overloaded"));
		expect(full.headers.get("retry-after")).toBe("1");
		for (let n = 0; n < 5; n++) expect((await call("POST", "./events", eventOf(60 * KIB))).status).toBe(202);
		await call("POST", "./events", `{"type":${"x".repeat(50 * KIB)}`);
		expect((await call("POST", "./events", eventOf(99 * KIB))).status).toBe(202);
	});

	it("count a body until its request has a response", async () => {
		const api = await caller({ bodyBytesInHand: 200 * KIB });
		const { call } = api;
		const { open, handled } = holdCommits(api);
		const first = call("POST", "./events", eventOf(60 * KIB));
		await handled;
		for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
		expect((await call("POST", "./events", eventOf(60 * KIB))).status).toBe(503);
		open();
		expect((await first).status).toBe(202);
		expect((await call("POST", "./events", eventOf(60 * KIB))).status).toBe(202);
	});

	it("are not affected when a reader releases its bytes twice", async () => {
		const budget = new BodyBudget(20);
		const reader = new BodyReader({ budget, pace: new BodyPace(systemClock) }, of("owner"), 100);
		const web = (): ReadableStream<Uint8Array> => new Blob(["12345"]).stream();
		expect(await reader.read({ node: undefined, web, header: () => undefined })).toHaveLength(5);
		expect(budget.reserved).toBe(5);
		reader.release();
		reader.release();
		expect(budget.reserved).toBe(0);
	});
});

describe("the memory for bodies", () => {
	it("is shared: a project has at most half of what the others leave free", () => {
		const budget = new BodyBudget(100);
		expect(budget.take(of("greedy"), 51)).toBe(false);
		expect(budget.take(of("greedy"), 50)).toBe(true);
		expect(budget.take(of("greedy"), 1)).toBe(false);
		expect(budget.take(of("second"), 25)).toBe(true);
		expect(budget.take(of("second"), 1)).toBe(false);
		expect(budget.take(of("third"), 12)).toBe(true);
		budget.give(of("greedy"), 50);
		expect(budget.take(of("third"), 20)).toBe(true);
		expect(budget.reserved).toBe(57);
	});

	it("is shared by the customers of a project: all have half of its share, and each half of what the others leave of that", () => {
		const budget = new BodyBudget(160);
		const [acme, globex] = [of("p", "acme"), of("p", "globex")];
		expect([budget.take(acme, 21), budget.take(acme, 20), budget.take(acme, 1)]).toEqual([false, true, false]);
		expect([budget.take(globex, 11), budget.take(globex, 10), budget.take(globex, 1)]).toEqual([false, true, false]);
		expect([budget.take(of("p"), 51), budget.take(of("p"), 50)]).toEqual([false, true]);
		expect([budget.take(of("q", "acme"), 11), budget.take(of("q", "acme"), 10)]).toEqual([false, true]);
		budget.give(of("p"), 50);
		budget.give(acme, 20);
		budget.give(globex, 10);
		expect([budget.reserved, budget.room(of("p")), budget.room(acme)]).toEqual([10, 75, 18.75]);
	});

	it("has room for a project's sends while a customer's bodies fill its share", async () => {
		const { call, store, tokenOf } = await caller({ bodyBytesInHand: 400 * KIB });
		const { promise: gate, resolve: open } = Promise.withResolvers<void>();
		const { promise: handled, resolve: handle } = Promise.withResolvers<void>();
		const insertWebhook = store.insertWebhook.bind(store);
		// Only the first call waits.
		const gates = [gate];
		store.insertWebhook = async (...parameters) => {
			handle();
			await gates.pop();
			return insertWebhook(...parameters);
		};
		const headers = { authorization: `Bearer ${await tokenOf("acme")}`, "secret-key": "" };
		const webhook = (bytes: number) => `{"name":"a","spec":{"endpoint":"https://example.com/"}${" ".repeat(bytes)}}`;
		const first = call("POST", "./batch/webhooks", webhook(40 * KIB), headers);
		await handled;
		expect((await call("POST", "./batch/webhooks", webhook(20 * KIB), headers)).json["code"]).toBe("overloaded");
		expect((await call("POST", "./events", eventOf(120 * KIB))).status).toBe(202);
		open();
		expect((await first).status).toBeLessThan(300);
	});

	it("has room for one project while another one's bodies fill its share", async () => {
		const codes: string[] = [];
		const parts = { bodyRefused: (code: string) => void codes.push(code) };
		const api = await caller({ bodyBytesInHand: 200 * KIB }, null, parts);
		const { call, keys, other } = api;
		const { open, handled } = holdCommits(api);
		const first = call("POST", "./events", eventOf(90 * KIB));
		await handled;
		expect((await call("POST", "./events", eventOf(20 * KIB))).json["code"]).toBe("overloaded");
		expect(codes).toEqual(["overloaded"]);
		const beside = call("POST", `/projects/${other.id}/events`, eventOf(50 * KIB), { "secret-key": keys.other });
		open();
		expect([(await first).status, (await beside).status]).toEqual([202, 202]);
	});
});

describe("a body that comes slowly", () => {
	/** A body of `chunks` bytes each, of which the test writes one after the other. */
	function slowly() {
		const clock = new ManualClock();
		const node = new PassThrough();
		const shared = { budget: new BodyBudget(100 * MIB), pace: new BodyPace(clock) };
		const reader = new BodyReader(shared, of("owner"), 10 * MIB);
		const read = reader.read({ node, web: () => null, header: () => undefined });
		const result = read.then(
			(bytes) => bytes.length,
			(error: FanfareError) => error.code,
		);
		return { clock, node, result, reader, shared };
	}

	it("is refused when a whole window brings less than the least, however much came before", async () => {
		const { clock, node, result, reader, shared } = slowly();
		node.write(Buffer.alloc(5 * MIB));
		await expect.poll(() => reader.size).toBe(5 * MIB);
		clock.advance(PACE_WINDOW_MS);
		node.write(Buffer.alloc(BYTES_PER_WINDOW - 1));
		await expect.poll(() => reader.size).toBe(5 * MIB + BYTES_PER_WINDOW - 1);
		clock.advance(PACE_WINDOW_MS);
		expect(await result).toBe("request_timeout");
		reader.release();
		expect(shared.budget.reserved).toBe(0);
	});

	it("is read to its end while each window brings the least", async () => {
		const { clock, node, result, reader } = slowly();
		for (let window = 1; window <= 10; window++) {
			node.write(Buffer.alloc(BYTES_PER_WINDOW));
			// oxlint-disable-next-line no-await-in-loop -- one window after the other
			await expect.poll(() => reader.size).toBe(window * BYTES_PER_WINDOW);
			clock.advance(PACE_WINDOW_MS);
		}
		node.end();
		expect(await result).toBe(10 * BYTES_PER_WINDOW);
	});

	it("has a whole window before it is judged, also when it begins just before the window ends", async () => {
		const clock = new ManualClock();
		const pace = new BodyPace(clock);
		const ended: string[] = [];
		const body = (name: string) => ({ size: 0, tooSlow: () => void ended.push(name) });
		pace.begin(body("early"));
		clock.advance(PACE_WINDOW_MS - 1);
		pace.begin(body("late"));
		clock.advance(1);
		expect(ended).toEqual([]);
		clock.advance(PACE_WINDOW_MS);
		expect(ended).toEqual(["early", "late"]);
	});

	it("sets no timer while no body is being read", () => {
		const delays: number[] = [];
		const fires: (() => void)[] = [];
		const pace = new BodyPace({
			after: (delayMs, fire) => {
				delays.push(delayMs);
				fires.push(fire);
				return () => {};
			},
		});
		const body = { size: 0, tooSlow: () => {} };
		pace.begin(body);
		pace.end(body);
		pace.begin(body);
		pace.end(body);
		expect(delays).toEqual([PACE_WINDOW_MS]);
		fires[0]?.();
		expect(delays).toHaveLength(1);
	});
});

describe("a body that ends too early", () => {
	const endedEarly = { code: "invalid_request", message: "The body ended before it was complete. Send it again." };

	it("is a 400, and its bytes are released", async () => {
		const { call } = await caller({ bodyBytesInHand: 200 * KIB });
		for (let n = 0; n < 3; n++) {
			let pulls = 0;
			const stream = new ReadableStream({
				pull(controller) {
					if (pulls++ === 0) controller.enqueue(Buffer.alloc(60 * KIB, "["));
					else controller.error(new Error("the client disconnected"));
				},
			});
			expect(await call("POST", "./events", stream)).toMatchObject({ status: 400, json: endedEarly });
		}
		expect((await call("POST", "./events", eventOf(99 * KIB))).status).toBe(202);
	});

	it("is not waited for if the request was closed before the reading began", async () => {
		const node = new PassThrough();
		node.destroy();
		await once(node, "close");
		const reader = new BodyReader({ budget: new BodyBudget(20), pace: new BodyPace(systemClock) }, of("owner"), 10);
		const read = reader.read({ node, web: () => null, header: () => undefined });
		await expect(read).rejects.toMatchObject(endedEarly);
	});
});

describe("a body must be", () => {
	it("UTF-8", async () => {
		const { call } = await caller();
		for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
			const body = Buffer.concat([Buffer.from('{"type":"a","data":"'), Buffer.from(bytes), Buffer.from('"}')]);
			expect(await call("POST", "./events", body)).toMatchObject({ status: 400, json: { code: "invalid_encoding" } });
		}
	});

	it("not compressed", async () => {
		const { call } = await caller();
		const answer = await call("POST", "./events", "x", { "content-encoding": "gzip" });
		expect(answer).toMatchObject({ status: 400, json: { code: "invalid_encoding" } });
	});

	it("JSON, and an object", async () => {
		const { call } = await caller();
		for (const [body, code, message] of [
			['{"type":"a","data":1', "invalid_json", /ends too early|line 1/],
			['{\n"type": "a",\n}', "invalid_json", /line 3, column 1/],
			['{"type":"a"} x', "invalid_json", /line 1, column 14/],
			['{"type":"classified","data":classified}', "invalid_json", /not valid JSON/],
			["", "invalid_json", /empty/],
			[" \n", "invalid_json", /empty/],
			['{"type":"a\u0000","data":1}', "invalid_json", /not valid JSON/],
			...["[]", "null", "1", '"a"', "true"].map((text) => [text, "invalid_request", /must be a JSON object/] as const),
		] as const) {
			const { status, json } = await call("POST", "./events", body);
			expect([body, status, json["code"]]).toEqual([body, 400, code]);
			expect(json["message"]).toMatch(message);
			expect(json["message"]).not.toMatch("classified");
		}
	});

	it("without duplicate names, also inside its objects, where they set something, and written with escapes", async () => {
		const webhook = (spec: string) => `{"name":"a","spec":{"endpoint":"https://example.com/",${spec}}}`;
		const twice = /more than once/;
		await expectRefusals(await caller(), [
			["POST ./events", "type", twice, '{"type":"a","data":1,"type":"b"}'],
			["POST ./events", "type", twice, '{"type":"a","data":1,"\\u0074ype":"b"}'],
			["POST ./batch/webhooks", "spec.endpoint", twice, webhook('"endpoint":"https://example.com/"')],
			["POST ./batch/webhooks", "spec.retries.maxRetries", twice, webhook('"retries":{"maxRetries":1,"maxRetries":2}')],
			["POST ./batch/webhooks", "spec.metadata.a", twice, webhook('"metadata":{"a":"1","\\u0061":"2"}')],
		]);
	});

	it("nested as deeply as the sender likes: depth uses no stack", async () => {
		const { call, accepted } = await caller();
		const deep = "[".repeat(100_000) + "]".repeat(100_000);
		expect((await call("POST", "./events", `{"type":"a","data":${deep}}`)).status).toBe(202);
		expect((await accepted())[0]?.dataJson).toBe(deep);
		expect((await call("POST", "./batch/webhooks", `{"name":${deep}}`)).status).toBe(400);
		expect((await call("POST", "./batch/webhooks", `{"name":"a","spec":{"metadata":${deep}}}`)).status).toBe(400);
	});

	it("empty or {} on calls that need none, whatever the content type says", async () => {
		await using receiver = await startReceiver();
		const { call, makeWebhook } = await caller();
		const path = `./batch/webhooks/${await makeWebhook(receiver.url)}:test`;
		expect((await call("POST", path)).status).toBe(200);
		expect((await call("POST", path, "{}")).status).toBe(200);
		expect((await call("POST", path, " \r\n")).status).toBe(200);
		expect((await call("POST", path.replace(":test", ":pause"), "\n")).status).toBe(200);
		expect(await call("POST", path, '{"x":1}')).toMatchObject({ status: 400, json: { issues: [{ path: "x" }] } });
		expect((await call("GET", "/workspace")).status).toBe(200);
	});

	it("empty or {} on calls that take no body", async () => {
		const { call, makeWebhook } = await caller();
		for (const [method, action] of [
			["POST", ":pause"],
			["DELETE", ""],
		] as const) {
			const path = `./batch/webhooks/${await makeWebhook()}${action}`;
			expect(await call(method, path, '{"x":1}')).toMatchObject(refused("x"));
			expect((await call(method, path, " ".repeat(KIB) + "{}")).status).toBe(413);
			expect((await call(method, path, "{}")).status).toBe(200);
		}
	});
});

describe("on a real socket", () => {
	/** The server of Hono, which does not read bodies as the product's does, and a connection that has sent the head of a send. */
	async function open(head: string) {
		const { app, project, keys, lines, accepted } = await caller();
		const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
		onTestFinished(() => void server.close());
		const requested = once(server, "request");
		await once(server, "listening");
		const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
		socket.on("error", () => undefined);
		socket.write(
			`POST /projects/${project.id}/events HTTP/1.1\r\nhost: a\r\nsecret-key: ${keys.admin}\r\n${head}\r\n\r\n`,
		);
		await requested;
		let answer = "";
		socket.on("data", (chunk) => (answer += String(chunk)));
		return { socket, lines, accepted, answer: () => answer };
	}

	it.each(['{"type":"a","data":1}', '{"type"'])(
		"an event whose client disconnects before the announced length is refused, and leaves a log line: %s",
		async (part) => {
			const { socket, lines, accepted } = await open("content-length: 100");
			socket.write(part);
			socket.destroy();
			await expect.poll(() => lines.length).toBe(1);
			expect(await accepted()).toEqual([]);
		},
	);
});
