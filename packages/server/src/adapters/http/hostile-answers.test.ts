// A sender and a receiver that does everything wrong, over real sockets: whatever it sends, each attempt ends as it should, and none
// gets the answer to another one.
import { setImmediate as nextTurn } from "node:timers/promises";

import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

import type { AttemptOutcome } from "../../ports/sender.ts";
import { hostileBytes } from "./http1/test/hostile-bytes.ts";
import { piecesOf, readResponse } from "./http1/test/read-response.ts";
import { startProxy } from "./test/connect-proxy.ts";
import { openTestSender, type TestSender } from "./test/open-test-sender.ts";
import { startRawReceiver, type RawReceiver, type RawRequest } from "./test/raw-receiver.ts";
import { reading, stoppedTime } from "./test/reading.ts";

/** An answer with a body by which it can be told from all others. */
type Form = "length" | "chunks" | "close" | "informational";
const answerOf = (tag: string, form: Form): string => {
	if (form === "length") return `HTTP/1.1 200 OK\r\ncontent-length: ${tag.length}\r\n\r\n${tag}`;
	if (form === "close") return `HTTP/1.0 200 OK\r\n\r\n${tag}`;
	if (form === "informational") return `HTTP/1.1 100 Continue\r\n\r\n${answerOf(tag, "length")}`;
	const [head = "", ...rest] = tag;
	const size = (tag.length - 1).toString(16);
	return `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n${head}\r\n${size};x\r\n${rest.join("")}\r\n0\r\nx-t: 1\r\n\r\n`;
};

const STRAY = { none: "", "line break": "\r\n", answer: answerOf("stray", "length"), garbage: "stray" } as const;

/** What the receiver does with one request. */
type Step =
	/** Answers in these pieces. More bytes come with the last piece, or when the answer has been read. */
	| { kind: "answer"; form: Form; cuts: number[]; stray: keyof typeof STRAY; late: boolean }
	/** Answers a part, and then ends or resets the connection, or does nothing more. */
	| { kind: "cut"; form: Form; at: number; ending: "end" | "reset" | "hang" }
	/** Writes bytes of any kind, and ends the connection. */
	| { kind: "bytes"; bytes: Buffer; cuts: number[] };

const form = fc.constantFrom<Form>("length", "chunks", "close", "informational");
const cuts = fc.array(fc.nat(90), { maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 4,
		arbitrary: fc.record({
			kind: fc.constant("answer" as const),
			form,
			cuts,
			stray: fc.constantFrom("none", "none", "none", "line break", "answer", "garbage"),
			late: fc.boolean(),
		}),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			kind: fc.constant("cut" as const),
			form,
			at: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.99, noNaN: true })),
			ending: fc.constantFrom("end", "end", "reset", "reset", "hang"),
		}),
	},
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("bytes" as const), bytes: hostileBytes, cuts }) },
);

/** How long each attempt may take. */
const TIMEOUT_MS = 20_000;

/** Sends one attempt, has the receiver misbehave, and checks the outcome. */
class Round {
	readonly #sender: TestSender;
	readonly #receiver: RawReceiver;
	/** A project of its own, so that each round begins without connections. */
	readonly #projectId: string;
	/** The requests that each connection has carried. */
	readonly #carried = new Map<number, number>();

	constructor(sender: TestSender, receiver: RawReceiver, projectId: string) {
		this.#sender = sender;
		this.#receiver = receiver;
		this.#projectId = projectId;
	}

	async play(step: Step, n: number): Promise<void> {
		const tag = `answer-${n}-`;
		using _ = step.kind === "cut" && step.ending === "hang" ? stoppedTime() : null;
		const url = `${this.#receiver.url}/${n}`;
		const sent = this.#sender.send(url, { projectId: this.#projectId, timeoutMs: TIMEOUT_MS });
		const request = await this.#receiver.next();
		expect(request.text).toMatch(new RegExp(`^POST /${n} HTTP/1.1\\r\\n.*"\\}$`, "s"));
		const before = this.#carried.get(request.connection) ?? 0;
		this.#carried.set(request.connection, before + 1);
		if (step.kind === "answer") await this.#answer(step, request, tag, sent, before === 0);
		else if (step.kind === "cut") await this.#cut(step, request, tag, sent, before === 0);
		else await this.#write(step, request, tag, sent, before === 0);
		expect(this.#receiver.unread).toBe(0);
		const { error, response } = await sent;
		if (error === null && response?.body.includes("answer-")) expect(response.body).toBe(tag);
	}

	async #answer(
		{ form, cuts, stray, late }: Step & { kind: "answer" },
		{ socket, connection }: RawRequest,
		tag: string,
		sent: Promise<AttemptOutcome>,
		isFirst: boolean,
	): Promise<void> {
		const text = Buffer.from(answerOf(tag, form));
		const pieces = piecesOf(
			text,
			cuts.filter((cut) => cut < text.length),
		);
		// Nothing follows an answer that ends with the connection.
		const rest = form === "close" ? "" : STRAY[stray];
		const last = pieces.pop() ?? Buffer.alloc(0);
		for (const piece of pieces) {
			socket.write(piece);
			await nextTurn();
		}
		socket.write(late ? last : Buffer.concat([last, Buffer.from(rest)]));
		if (form === "close") socket.end();
		const isStray = rest !== "" && stray !== "line break";
		if (isStray && !late && !isFirst) {
			expect(await sent).toMatchObject({ error: "protocol", responseCode: 200, cause: "unexpected_bytes" });
		} else {
			expect(await sent).toMatchObject({ error: null, responseCode: 200, response: { body: tag } });
		}
		if (late && rest !== "" && socket.writable) socket.write(rest);
		if (isStray) await this.#receiver.closed(connection);
	}

	async #cut(
		{ form, at, ending }: Step & { kind: "cut" },
		{ socket }: RawRequest,
		tag: string,
		sent: Promise<AttemptOutcome>,
		isFirst: boolean,
	): Promise<void> {
		const text = answerOf(tag, form);
		// Without a length, a part of a body is a whole one: such an answer is cut in its head.
		const part = text.slice(0, Math.floor(at * (form === "close" ? text.indexOf("\r\n\r\n") : text.length)));
		if (ending === "reset")
			socket.write(part, () => ("encrypted" in socket ? socket.destroy() : socket.resetAndDestroy()));
		else if (ending === "end") socket.end(part);
		else {
			socket.write(part);
			await reading();
			vi.advanceTimersByTime(TIMEOUT_MS);
		}
		if (part === "" && !isFirst && ending !== "hang") await this.#answerAgain(tag, sent);
		else expect((await sent).error).toBe(ending === "hang" ? "timeout" : "reset");
	}

	async #write(
		{ bytes, cuts }: Step & { kind: "bytes" },
		{ socket }: RawRequest,
		tag: string,
		sent: Promise<AttemptOutcome>,
		isFirst: boolean,
	): Promise<void> {
		const expected = readResponse([bytes], true);
		for (const piece of piecesOf(bytes, cuts)) {
			if (socket.writable) socket.write(piece);
			await nextTurn();
		}
		socket.end();
		if (expected.started === 0 && !isFirst) {
			await this.#answerAgain(tag, sent);
			return;
		}
		const { error, responseCode } = await sent;
		if (expected.end === "open") expect(error).toBe("reset");
		else if (expected.end !== "complete") expect(error).toBe("protocol");
		else expect(error === null || (error === "protocol" && !isFirst)).toBe(true);
		expect(responseCode).toBe(expected.status);
	}

	/** The request was sent once more, because its connection was a kept one. */
	async #answerAgain(tag: string, sent: Promise<AttemptOutcome>): Promise<void> {
		const { socket, connection } = await this.#receiver.next();
		this.#carried.set(connection, 1);
		socket.write(answerOf(tag, "length"));
		expect(await sent).toMatchObject({ error: null, responseCode: 200, response: { body: tag } });
	}
}

describe("a receiver that answers as it likes", () => {
	it.each(["directly", "with TLS", "through a proxy", "with TLS through a proxy"])(
		"ends every attempt as it should, and none with the answer to another one: %s",
		async (way) => {
			await using receiver = await startRawReceiver({ tls: way.includes("TLS") });
			await using proxy = way.includes("proxy") ? await startProxy() : null;
			await using sender = openTestSender({ ca: receiver.ca, ...(proxy !== null && { proxy: proxy.url }) });
			let n = 0;
			await fc.assert(
				fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
					const round = new Round(sender, receiver, `proj_${n}`);
					for (const step of steps) await round.play(step, (n += 1));
					expect(sender.stats().exchanges).toBe(0);
				}),
				{ numRuns: runs(way.includes("TLS") ? 6 : 15) },
			);
		},
	);
});
