// Packing: what comes out on the other side is what went in, for every field, and nothing is kept longer than it is needed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ATTEMPT_CAUSES, type ErrorCause } from "../../../core/log/attempt-cause.ts";
import { ATTEMPT_ERRORS } from "../../../core/log/attempt-cause.ts";
import { OWN_FAILURES, type AttemptOutcome, type AttemptRequest } from "../../../ports/sender.ts";
import type { RequestBatch } from "./messages.ts";
import { OutcomePacker, RequestPacker, RequestUnpacker, unpackOutcomes, type UnpackedRequest } from "./packing.ts";

/** Every character of Latin-1, as headers can have them, and some that they can't have. */
const text = fc.oneof(
	fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 12 }),
	fc.constantFrom("", "✓", "\ud800", "content-type", "application/json"),
);
const name = fc.oneof(text, fc.constantFrom("x-a", "webhook-id", "__proto__", "constructor", "7"));
/** `fromEntries` defines properties, so that `__proto__` is one, too. */
const headers = fc
	.array(fc.tuple(name, text), { maxLength: 6 })
	.map((all): Record<string, string> => Object.fromEntries(all));
const bytes = fc.oneof(
	fc.uint8Array({ maxLength: 300 }),
	fc.constant(Uint8Array.from({ length: 256 }, (_, byte) => byte)),
	fc.integer({ min: 4_000, max: 9_000 }).map((length) => Uint8Array.from({ length }, (_, at) => at % 251)),
);
const request = fc.record({
	projectId: fc.constantFrom("proj_a", "proj_b"),
	customerId: fc.constantFrom(null, "acme", "globex"),
	url: fc.oneof(text, fc.constant("https://example.com/hook")),
	headers,
	timeoutMs: fc.constantFrom(1_000, 15_000),
	body: bytes,
});

const ms = fc.option(fc.nat(20_000));
const outcome: fc.Arbitrary<AttemptOutcome> = fc.record({
	responseCode: fc.constantFrom(0, 200, 503),
	error: fc.option(fc.constantFrom(...ATTEMPT_ERRORS, ...OWN_FAILURES)),
	reason: fc.option(text),
	detail: fc.option(text),
	cause: fc.option(fc.constantFrom(...(ATTEMPT_CAUSES as unknown as [ErrorCause]))),
	durationMs: fc.nat(20_000),
	firstByteMs: ms,
	connection: fc.option(
		fc.record({
			remoteAddress: fc.option(fc.constantFrom("203.0.113.7", "2001:db8::1")),
			certificateExpireDate: fc.option(fc.nat()),
			opening: fc.option(fc.record({ lookupMs: ms, connectMs: ms, tlsMs: ms })),
		}),
	),
	response: fc.option(fc.record({ headers, body: text, bodyTruncated: fc.boolean() })),
});

/** As a message arrives in the other thread. */
function sent<T>(message: T): T {
	return structuredClone(message);
}

/** With its body as text, which is compared faster. */
const readable = ({ request, ...rest }: UnpackedRequest) => ({
	...rest,
	request: { ...request, body: Buffer.from(request.body).toString("latin1") },
});

describe("requests", () => {
	it("arrive as they were, in batches of any size", () => {
		fc.assert(
			fc.property(fc.array(fc.array(request, { maxLength: 5 }), { maxLength: 5 }), (batches) => {
				const packer = new RequestPacker();
				const unpacker = new RequestUnpacker();
				let lastId = -1;
				for (const requests of batches) {
					const given = requests.map((each) => ({ id: (lastId += 1), hasSignal: false, request: each }));
					for (const { id, request } of given) packer.add(id, request);
					const taken = packer.take();
					const arrived = taken === null ? [] : unpacker.unpack(sent(taken.batch));
					expect(arrived.map(readable)).toEqual(given.map(readable));
					for (const [at, { request }] of arrived.entries())
						expect(Object.keys(request.headers)).toEqual(Object.keys(requests[at]!.headers));
				}
			}),
		);
	});

	it("say whether they have a signal", () => {
		const packer = new RequestPacker();
		const [plain] = fc.sample(request, 1) as [AttemptRequest];
		packer.add(1, plain);
		packer.add(2, { ...plain, signal: new AbortController().signal });
		const arrived = new RequestUnpacker().unpack(sent(packer.take()!.batch));
		expect(arrived.map(({ hasSignal }) => hasSignal)).toEqual([false, true]);
		expect(arrived.every(({ request }) => !("signal" in request))).toBe(true);
	});
});

describe("a large body", () => {
	const body = Buffer.alloc(100_000, "x");
	const of = (id: number, packer: RequestPacker, its = body) =>
		packer.add(id, { projectId: "proj_a", url: "https://example.com", headers: {}, body: its, timeoutMs: 1 });
	const take = (packer: RequestPacker): RequestBatch => sent(packer.take()!.batch);

	it("goes to the thread once while attempts with it are under way, and all share it there", () => {
		const packer = new RequestPacker();
		const unpacker = new RequestUnpacker();
		of(1, packer);
		of(2, packer);
		const first = take(packer);
		of(3, packer);
		const second = take(packer);
		expect([first.kept.length, second.kept.length, first.bodies.byteLength]).toEqual([1, 0, 0]);
		const bodies = [...unpacker.unpack(first), ...unpacker.unpack(second)].map(({ request }) => request.body);
		expect(body.equals(bodies[0]!)).toBe(true);
		expect(new Set(bodies).size).toBe(1);
	});

	it("is dropped there when the last of them has ended, and goes again with the next one", () => {
		const packer = new RequestPacker();
		const unpacker = new RequestUnpacker();
		of(1, packer);
		of(2, packer);
		unpacker.unpack(take(packer));
		expect([packer.end(body), packer.end(body)]).toEqual([false, true]);
		of(3, packer);
		const next = take(packer);
		expect([next.dropped.length, next.kept.length]).toEqual([1, 1]);
		expect(unpacker.unpack(next)).toHaveLength(1);
		expect(packer.end(body)).toBe(true);
		unpacker.unpack(take(packer));
		expect(() => unpacker.unpack({ ...next, kept: [], dropped: [] })).toThrow("the thread has no body");
	});

	it("is not taken for another one of the same content", () => {
		const packer = new RequestPacker();
		of(1, packer);
		of(2, packer, Buffer.from(body));
		expect(take(packer).kept).toHaveLength(2);
	});
});

it("a small body takes no memory of other ones of its batch", () => {
	const packer = new RequestPacker();
	for (const id of [1, 2])
		packer.add(id, { projectId: "a", url: "b", headers: {}, body: Buffer.from("body"), timeoutMs: 1 });
	const { batch, transferred } = packer.take()!;
	expect(transferred).toEqual([batch.bodies]);
	const [first] = new RequestUnpacker().unpack(batch);
	expect(first?.request.body.buffer.byteLength).toBe(4);
});

it("there is nothing to send without a request", () => {
	expect(new RequestPacker().take()).toBeNull();
	expect(new OutcomePacker().take()).toEqual([]);
});

it("values that are the same as in the record before are not repeated", () => {
	const packer = new RequestPacker();
	const [one] = fc.sample(request, 1) as [AttemptRequest];
	for (let id = 0; id < 3; id += 1) packer.add(id, one);
	const { values } = packer.take()!.batch;
	expect(values.filter((value) => value !== undefined).length).toBeLessThan(values.length / 3 + 3);
});

it("outcomes arrive as they were, in batches of any size", () => {
	fc.assert(
		fc.property(fc.array(fc.array(outcome, { maxLength: 6 }), { maxLength: 4 }), (batches) => {
			const packer = new OutcomePacker();
			for (const outcomes of batches) {
				for (const [id, each] of outcomes.entries()) packer.add(id, each);
				const arrived: AttemptOutcome[] = [];
				unpackOutcomes(sent(packer.take()), (id, each) => void (arrived[id] = each));
				expect(arrived).toEqual(outcomes);
			}
		}),
	);
});
