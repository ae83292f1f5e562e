// LogOutput: order, limits, and recovery from failures.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { LogOutput } from "./log-output.ts";
import { createLogger } from "./logger.ts";

const MEBIBYTE = "x".repeat(1_024 * 1_024);
const NOTHING = Buffer.alloc(0);
type Done = (error: NodeJS.ErrnoException | null, left: Buffer) => void;

/** An output whose writes the test completes or fails. */
function scripted(held = false) {
	const puts: { readonly text: Buffer; readonly done: Done }[] = [];
	const clock = new ManualClock();
	const last: string[] = [];
	const output = new LogOutput(clock, {
		held,
		output: {
			put: (text, done) => void puts.push({ text, done }),
			putLast: (text) => void last.push(text.toString()),
		},
	});
	const texts = () => puts.map(({ text }) => text.toString());
	const fail = (code: string) => puts.at(-1)?.done(Object.assign(new Error(code), { code }), NOTHING);
	/** Writes lines and lets the time pass in which they wait for others. */
	const write = (...lines: readonly string[]) => {
		for (const line of lines) output.write(line);
		clock.advance(100);
	};
	return { clock, output, puts, last, write, texts, fail, pass: () => puts.at(-1)?.done(null, NOTHING) };
}

describe("the log's output", () => {
	it("can keep all lines, urgent ones too, until it is released", () => {
		const { clock, output, texts, pass } = scripted(true);
		const logger = createLogger("info", output);
		logger.error("a");
		logger.info("b");
		clock.advance(1_000);
		expect(texts()).toEqual([]);
		output.release();
		expect(texts()).toEqual([expect.stringMatching(/^\{.*"msg":"a"\}\n\{.*"msg":"b"\}\n$/)]);
		pass();
		output.release();
		logger.info("c");
		expect(texts()).toHaveLength(1);
		clock.advance(100);
		expect(texts()).toHaveLength(2);
	});

	it("writes lines that it still keeps when it is closed, or when the process ends", async () => {
		const closed = scripted(true);
		closed.output.write("a\n");
		const done = closed.output.close(1_000);
		closed.pass();
		await done;
		expect(closed.texts()).toEqual(["a\n"]);

		const ended = scripted(true);
		ended.output.write("a\n");
		ended.output.writeLast();
		expect(ended.last).toEqual(["a\n"]);

		const empty = scripted(true);
		await empty.output.close(1_000);
	});

	it("gathers lines for 100 ms after the first, and writes them together, in order", () => {
		const { clock, output, texts, pass } = scripted();
		output.write("a\n");
		clock.advance(60);
		output.write("b\n");
		clock.advance(39);
		expect(texts()).toEqual([]);
		clock.advance(1);
		expect(texts()).toEqual(["a\nb\n"]);
		pass();
		output.write("c\n");
		clock.advance(99);
		expect(texts()).toHaveLength(1);
		clock.advance(1);
		expect(texts()).toEqual(["a\nb\n", "c\n"]);
	});

	it("writes 16 KiB of lines at once, and what comes afterwards within 100 ms", () => {
		const { clock, output, texts, pass } = scripted();
		const line = `${"x".repeat(1_023)}\n`;
		for (let n = 0; n < 15; n++) output.write(line);
		expect(texts()).toEqual([]);
		output.write(line);
		output.write("next\n");
		expect(texts()).toEqual([line.repeat(16)]);
		pass();
		expect(texts()).toHaveLength(1);
		clock.advance(100);
		expect(texts()).toEqual([line.repeat(16), "next\n"]);
	});

	it.each(["warn", "error", "fatal"] as const)("writes a line of level %s at once, after all before it", (level) => {
		const { clock, output, texts, pass } = scripted();
		const logger = createLogger("info", output);
		const messages = () => texts().map((text) => [...text.matchAll(/"msg":"(\w+)"/g)].map(([, message]) => message));
		logger.info("before");
		logger[level]("urgent");
		expect(messages()).toEqual([["before", "urgent"]]);
		// While it is being written, too: and the lines after it wait for others again.
		logger.info("between");
		logger[level]("again");
		pass();
		expect(messages()).toEqual([
			["before", "urgent"],
			["between", "again"],
		]);
		pass();
		logger.info("after");
		expect(texts()).toHaveLength(2);
		clock.advance(100);
		expect(messages()).toHaveLength(3);
	});

	it("gathers the lines that came during a write, too", () => {
		const { clock, write, output, texts, pass } = scripted();
		write("a\n");
		output.write("b\n");
		pass();
		output.write("c\n");
		expect(texts()).toEqual(["a\n"]);
		clock.advance(100);
		expect(texts()).toEqual(["a\n", "b\nc\n"]);
	});

	it("writes the rest after a partial write", () => {
		const { write, puts, texts } = scripted();
		write("whole\n");
		puts[0]?.done(null, puts[0].text.subarray(3));
		expect(texts()).toEqual(["whole\n", "le\n"]);
	});

	it("retries a failed write, for example on a full disk", () => {
		const { clock, write, texts, fail, pass } = scripted();
		write("a\n");
		fail("ENOSPC");
		write("b\n");
		expect(texts()).toEqual(["a\n"]);
		clock.advance(900);
		pass();
		clock.advance(100);
		expect(texts()).toEqual(["a\n", "a\n", "b\n"]);
	});

	it("keeps at most 8 MiB while nothing can be written, and then reports how many lines it dropped", () => {
		const { clock, write, output, texts, pass } = scripted();
		const logger = createLogger("info", output);
		write("a\n");
		for (let n = 0; n < 20; n++) output.write(MEBIBYTE);
		pass();
		const [kept = "", loss] = texts()[1]?.split("{") ?? [];
		expect(kept).toHaveLength(7 * MEBIBYTE.length);
		expect(loss).toMatch(/^"level":"warn",.*"lostLines":13,"msg":"log lines could not be written"\}\n$/);
		pass();
		logger.info("on again");
		clock.advance(100);
		expect(texts()).toHaveLength(3);
	});

	it("writes nothing once the reader has closed the pipe", async () => {
		const { clock, write, output, last, texts, fail } = scripted();
		write("a\n");
		fail("EPIPE");
		write("b\n");
		clock.advance(10_000);
		output.writeLast();
		expect({ texts: texts(), last }).toEqual({ texts: ["a\n"], last: [] });
		await output.close(1_000);
	});

	it("closes when all lines are written, or when that takes too long", async () => {
		const { clock, output, texts, pass } = scripted();
		output.write("a\n");
		const written = output.close(1_000);
		expect(texts()).toEqual(["a\n"]);
		pass();
		await written;
		output.write("b\n");
		expect(texts()).toEqual(["a\n", "b\n"]);
		const late = output.close(1_000);
		clock.advance(1_000);
		await late;
	});

	it("tries a failed write once more when it is closed, and then gives up", async () => {
		for (const ending of ["passes", "fails"] as const) {
			const { write, output, texts, fail, pass } = scripted();
			write("a\n");
			fail("ENOSPC");
			const closed = output.close(1_000);
			expect(texts()).toEqual(["a\n", "a\n"]);
			if (ending === "passes") pass();
			else fail("ENOSPC");
			await closed;
		}
	});

	it("writes what is left when the process ends, and each line after that, but not what is being written", () => {
		const gathering = scripted();
		gathering.output.write("a\n");
		gathering.output.write("b\n");
		gathering.output.writeLast();
		gathering.output.write("c\n");
		expect({ last: gathering.last, texts: gathering.texts() }).toEqual({ last: ["a\nb\n", "c\n"], texts: [] });

		const writing = scripted();
		writing.write("a\n");
		writing.output.write("b\n");
		writing.output.writeLast();
		writing.pass();
		writing.output.write("c\n");
		expect({ last: writing.last, texts: writing.texts() }).toEqual({ last: ["b\n", "c\n"], texts: ["a\n"] });

		const failing = scripted();
		failing.write("a\n");
		failing.fail("ENOSPC");
		failing.output.write("b\n");
		failing.output.writeLast();
		expect(failing.last).toEqual(["a\nb\n"]);
	});
});
