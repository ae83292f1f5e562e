// LogOutput: order, limits, and recovery from failures.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { LogOutput } from "./log-output.ts";
import { createLogger } from "./logger.ts";

const MEBIBYTE = "x".repeat(1_024 * 1_024);
const NOTHING = Buffer.alloc(0);
type Done = (error: NodeJS.ErrnoException | null, left: Buffer) => void;

/** An output whose writes the test completes or fails. */
function scripted() {
	const puts: { readonly text: Buffer; readonly done: Done }[] = [];
	const clock = new ManualClock();
	const output = new LogOutput(clock, { put: (text, done) => void puts.push({ text, done }) });
	const texts = () => puts.map(({ text }) => text.toString());
	const fail = (code: string) => puts.at(-1)?.done(Object.assign(new Error(code), { code }), NOTHING);
	return { clock, output, puts, texts, fail, pass: () => puts.at(-1)?.done(null, NOTHING) };
}

describe("the log's output", () => {
	it("collects lines while it writes, and writes them together afterwards, in order", () => {
		const { output, texts, pass } = scripted();
		for (const line of ["a\n", "b\n", "c\n"]) output.write(line);
		expect(texts()).toEqual(["a\n"]);
		pass();
		expect(texts()).toEqual(["a\n", "b\nc\n"]);
	});

	it("writes the rest after a partial write", () => {
		const { output, puts, texts } = scripted();
		output.write("whole\n");
		puts[0]?.done(null, puts[0].text.subarray(3));
		expect(texts()).toEqual(["whole\n", "le\n"]);
	});

	it("retries a failed write, for example on a full disk", () => {
		const { clock, output, texts, fail, pass } = scripted();
		output.write("a\n");
		fail("ENOSPC");
		output.write("b\n");
		expect(texts()).toEqual(["a\n"]);
		clock.advance(1_000);
		pass();
		expect(texts()).toEqual(["a\n", "a\n", "b\n"]);
	});

	it("keeps at most 8 MiB while nothing can be written, and then reports how many lines it dropped", () => {
		const { output, texts, pass } = scripted();
		const logger = createLogger("info", output);
		output.write("a\n");
		for (let n = 0; n < 20; n++) output.write(MEBIBYTE);
		pass();
		const [kept = "", loss] = texts()[1]?.split("{") ?? [];
		expect(kept).toHaveLength(7 * MEBIBYTE.length);
		expect(loss).toMatch(/^"level":40,.*"lostLines":13,"msg":"log lines could not be written"\}\n$/);
		pass();
		logger.info("on again");
		expect(texts()).toHaveLength(3);
	});

	it("writes nothing once the reader has closed the pipe", async () => {
		const { clock, output, texts, fail } = scripted();
		output.write("a\n");
		fail("EPIPE");
		output.write("b\n");
		clock.advance(10_000);
		expect(texts()).toEqual(["a\n"]);
		await output.close(1_000);
	});

	it("closes when all lines are written, or when that takes too long", async () => {
		const { clock, output, pass } = scripted();
		output.write("a\n");
		const written = output.close(1_000);
		pass();
		await written;
		output.write("b\n");
		const late = output.close(1_000);
		clock.advance(1_000);
		await late;
	});

	it("tries a failed write once more when it is closed, and then gives up", async () => {
		for (const ending of ["passes", "fails"] as const) {
			const { output, texts, fail, pass } = scripted();
			output.write("a\n");
			fail("ENOSPC");
			const closed = output.close(1_000);
			expect(texts()).toEqual(["a\n", "a\n"]);
			if (ending === "passes") pass();
			else fail("ENOSPC");
			await closed;
		}
	});
});
