// The log's way out: in order, in bounds, and on again after trouble.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { LogOutput } from "./log-output.ts";
import { createLogger } from "./logger.ts";

const MEBIBYTE = "x".repeat(1_024 * 1_024);
const NOTHING = Buffer.alloc(0);
type Done = (error: NodeJS.ErrnoException | null, left: Buffer) => void;

/** An output that a test lets go on or fail. */
function scripted() {
	const puts: { readonly text: Buffer; readonly done: Done }[] = [];
	const output = new LogOutput({ put: (text, done) => void puts.push({ text, done }) });
	const texts = () => puts.map(({ text }) => text.toString());
	const fail = (code: string) => puts.at(-1)?.done(Object.assign(new Error(code), { code }), NOTHING);
	return { output, puts, texts, fail, pass: () => puts.at(-1)?.done(null, NOTHING) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the log's output", () => {
	it("takes lines while it writes, and writes them together next, in order", () => {
		const { output, texts, pass } = scripted();
		for (const line of ["a\n", "b\n", "c\n"]) output.write(line);
		expect(texts()).toEqual(["a\n"]);
		pass();
		expect(texts()).toEqual(["a\n", "b\nc\n"]);
	});

	it("writes the rest of what was written in part", () => {
		const { output, puts, texts } = scripted();
		output.write("whole\n");
		puts[0]?.done(null, puts[0].text.subarray(3));
		expect(texts()).toEqual(["whole\n", "le\n"]);
	});

	it("tries again what could not be written, such as on a full disk", () => {
		const { output, texts, fail, pass } = scripted();
		output.write("a\n");
		fail("ENOSPC");
		output.write("b\n");
		expect(texts()).toEqual(["a\n"]);
		vi.advanceTimersByTime(1_000);
		pass();
		expect(texts()).toEqual(["a\n", "a\n", "b\n"]);
	});

	it("keeps no more than 8 MiB while nothing is written, and says then how many lines it has left out", () => {
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

	it("writes nothing more once its reader is gone", async () => {
		const { output, texts, fail } = scripted();
		output.write("a\n");
		fail("EPIPE");
		output.write("b\n");
		vi.advanceTimersByTime(10_000);
		expect(texts()).toEqual(["a\n"]);
		await output.close(1_000);
	});

	it("is closed when all is written, or when that has taken too long", async () => {
		const { output, pass } = scripted();
		output.write("a\n");
		const written = output.close(1_000);
		pass();
		await written;
		output.write("b\n");
		const late = output.close(1_000);
		vi.advanceTimersByTime(1_000);
		await late;
	});
});
