// The log's output in a process of its own: what arrives when the process ends in each way, and when nobody reads.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const urlOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
const START = `
	const { LogOutput } = await import(${urlOf("log-output.ts")});
	const { createLogger } = await import(${urlOf("logger.ts")});
	const { systemClock } = await import(${urlOf("../system/system-clock.ts")});
	const output = new LogOutput(systemClock);
	const logger = createLogger("info", output);
	/** Nothing that is asynchronous happens in this time. */
	const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
	/** Resolves when the pipe has no room left for what was written to it. */
	const pipeIsFull = async () => {
		while (process.stdout.writableLength === 0) await new Promise((resolve) => setImmediate(resolve));
	};
`;
const dir = new TemporaryDir();

/** Runs the code in a process of its own. Its errors are `stderr`. */
function start(code: string, stdout: "pipe" | number): { child: ChildProcess; stderr: () => string } {
	const args = ["--conditions=@fanfare/source", "--input-type=module", "--eval", START + code];
	const child = spawn(process.execPath, args, { stdio: ["ignore", stdout, "pipe"] });
	let stderr = "";
	child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
	return { child, stderr: () => stderr };
}

/** The messages of the lines that the code has logged, and its exit code or signal. */
async function run(code: string, to: "pipe" | "file") {
	const path = dir.join(`${Math.random()}.log`);
	const file = to === "file" ? openSync(path, "w") : null;
	const { child } = start(code, file ?? "pipe");
	let text = "";
	child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
	const [exitCode, signal] = (await once(child, "close")) as [number | null, string | null];
	if (file !== null) {
		closeSync(file);
		text = readFileSync(path, "utf8");
	}
	return { messages: messagesIn(text), end: exitCode ?? signal };
}

function messagesIn(text: string): string[] {
	const lines = text.split("\n").filter((line) => line !== "");
	return lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
}

describe("the log of a process", () => {
	const LINES = `for (const name of ["a", "b", "c"]) logger.info(name);`;

	it.each<["pipe" | "file", string, string, number]>([
		["pipe", "ends by itself", "", 0],
		["file", "ends by itself", "", 0],
		["pipe", "calls process.exit", "process.exit(3);", 3],
		["pipe", "throws an exception that nobody catches", "throw new Error('uncaught');", 1],
		["pipe", "has a rejection that nobody handles", "void Promise.reject(new Error('unhandled'));", 1],
		["pipe", "closes its log", "await output.close(10_000); process.exit(4);", 4],
	])("that writes to a %s is complete and in order when it %s", async (to, _how, ending, exitCode) => {
		expect(await run(`${LINES} ${ending}`, to)).toEqual({ messages: ["a", "b", "c"], end: exitCode });
	});

	it.each(["pipe", "file"] as const)(
		"that writes to a %s has an error, and all before it, if it is killed",
		async (to) => {
			// While the process is blocked, no timer fires: what is there afterwards was not waiting for one.
			const code = `${LINES} logger.error("d"); logger.info("lost"); block(1_000); process.kill(process.pid, "SIGKILL");`;
			expect(await run(code, to)).toEqual({ messages: ["a", "b", "c", "d"], end: "SIGKILL" });
		},
	);
});

describe("a reader of the log", () => {
	it("gets nothing twice and nothing is lost when it is slow", async () => {
		const { child } = start(
			`for (let n = 0; n < 5_000; n++) logger.info(String(n));
			await pipeIsFull();
			process.stderr.write("full");
			await output.close(20_000);`,
			"pipe",
		);
		const stdout = child.stdout!;
		stdout.pause();
		await once(child.stderr!, "data");
		let text = "";
		stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
		stdout.resume();
		await once(child, "close");
		expect(messagesIn(text)).toEqual(Array.from({ length: 5_000 }, (_, n) => String(n)));
	});

	it("does not hold up the process when it does not read, neither while it runs nor at its end", async () => {
		const { child, stderr } = start(
			`for (let n = 0; n < 20_000; n++) logger.info(String(n));
			await pipeIsFull();
			process.stderr.write("still running");
			process.exit(5);`,
			"pipe",
		);
		child.stdout!.pause();
		// What it has written may be read only after its end.
		const [[exitCode]] = await Promise.all([once(child, "exit") as Promise<[number]>, once(child.stderr!, "close")]);
		expect({ exitCode, stderr: stderr() }).toEqual({ exitCode: 5, stderr: "still running" });
		child.stdout!.destroy();
	});

	it("can go away: the process runs on, and ends as it wants", async () => {
		const { child, stderr } = start(
			`logger.warn("first");
			const gone = new Promise((resolve) => process.stdout.once("close", resolve));
			const timer = setInterval(() => { logger.info("more"); logger.error("more"); }, 5);
			await gone;
			for (let lines = 0; lines < 10; lines++) {
				logger.error("nobody reads this");
				await new Promise((resolve) => setImmediate(resolve));
			}
			clearInterval(timer);
			logger.info("last");
			process.stderr.write("still running");
			process.exit(6);`,
			"pipe",
		);
		await once(child.stdout!, "data");
		child.stdout!.destroy();
		const [exitCode] = (await once(child, "close")) as [number];
		expect({ exitCode, stderr: stderr() }).toEqual({ exitCode: 6, stderr: "still running" });
	});
});
