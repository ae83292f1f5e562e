// Runs the demo as a user does, and shows that it can fail.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { Client } from "@fanfare/sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readOptions, UsageError } from "./options.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

let home = "";
beforeEach(async () => {
	home = await mkdtemp(join(tmpdir(), "fanfare-demo-test-"));
});
// Retries, because a server that was killed may still be ending.
afterEach(() => rm(home, { recursive: true, maxRetries: 10 }));

describe("the demo", () => {
	it("loses nothing through a SIGKILL, and exits with 0", async () => {
		const { code, output } = await demo("--events", "200");
		expect(output).toMatch(/^ {2}sent +200 /m);
		expect(output).toMatch(/^ {2}delivered +200 /m);
		expect(output).toMatch(/^ {2}lost +0 /m);
		expect(output).toContain("server killed (SIGKILL)");
		for (const step of ["create", "test", "list", "update", "update secret", "delete"]) {
			expect(output).toMatch(new RegExp(`^✓ ${step} `, "m"));
		}
		expect(output).toContain("Nothing was lost");
		expect(code).toBe(0);
		// Into a pipe it prints plain lines of at most 80 columns. It leaves no files.
		expect(output).not.toContain("\u001b");
		expect(output).not.toContain("\r");
		expect(tooWide(output)).toEqual([]);
		expect(readdirSync(home)).toEqual([]);
	});

	it("exits with 1 and names lost events if the webhook may not retry", async () => {
		const { code, output } = await demo("--events", "100", "--kills", "0", "--retries", "0");
		expect(output).toMatch(
			/✗ \d+ of 100 acknowledged events were lost:\n +evt_\S+\n +the server has it as Failed: exhausted/,
		);
		expect(output).not.toMatch(/^ {2}lost +0 /m);
		expect(output).not.toContain("Nothing was lost");
		expect(code).toBe(1);
	});

	it("leaves neither a server nor a file behind when it is interrupted", async () => {
		const child = start("--events", "1000");
		const ended = once(child, "exit");
		const output = await outputUntil(child.stdout, "✓ test");
		const url = /✓ server +(http:\S+),/.exec(output)?.[1] ?? "";
		expect((await fetch(`${url}/healthz`)).status).toBe(200);
		expect(readdirSync(home)).toHaveLength(1);
		child.kill("SIGINT");
		expect(await ended).toEqual([130, null]);
		expect(readdirSync(home)).toEqual([]);
		await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
	});

	it("leaves the server running with --keep, at the address, with the key and the sign-in link that it prints", async () => {
		const { code, output } = await demo("--events", "20", "--kills", "0", "--keep");
		const [, url = ""] = /Address +(\S+)/.exec(output) ?? [];
		const [, key = ""] = /Key +(\S+)/.exec(output) ?? [];
		const [, pid = ""] = /kill (\d+) && rm -rf \S+/.exec(output) ?? [];
		try {
			const project = (await new Client(key, { endpoint: url }).listProjects()).find(({ name }) => name === "Demo");
			expect((await project?.events.list())?.data).not.toEqual([]);
			const [, link = ""] = new RegExp(`^${url}/ui/#link=(sl_\\S+)$`, "m").exec(output) ?? [];
			const headers = { "content-type": "application/json", "fanfare-page": "1" };
			const signedIn = await fetch(`${url}/sessions`, { method: "POST", headers, body: JSON.stringify({ link }) });
			expect(signedIn.status).toBe(200);
			expect(await (await fetch(`${url}/ui/`)).text()).toContain('<div id="root">');
		} finally {
			process.kill(Number(pid));
		}
		expect(code).toBe(0);
	});

	it.each(["--events 0", "--events many", "--kills 11", "--sends 3", "more"])("refuses %s", (line) => {
		expect(() => readOptions(line.split(" "))).toThrow(UsageError);
	});

	it("exits with 2 and says how to get help if its command line is wrong", async () => {
		const { code, errors } = await demo("--events", "0");
		expect(errors).toContain("npm run demo -- --help");
		expect(code).toBe(2);
	});
});

/** The environment has settings that would break a server that inherited them. */
function start(...args: string[]) {
	const env = { ...process.env, TMPDIR: home, FANFARE_PORT: "1", FANFARE_NONSENSE: "x" };
	return spawn(process.execPath, ["--conditions=@fanfare/source", MAIN, ...args], {
		env,
		stdio: ["ignore", "pipe", "pipe"],
	});
}

/** The lines that a terminal of 80 columns would break. */
function tooWide(output: string): string[] {
	return output.split("\n").filter((line) => line.length > 80);
}

/** Does not iterate over the stream, which would close the pipe and so end the child process. */
function outputUntil(stream: Readable, wanted: string): Promise<string> {
	let output = "";
	return new Promise((resolve) => {
		stream.on("data", (chunk) => {
			output += String(chunk);
			if (output.includes(wanted)) resolve(output);
		});
	});
}

async function demo(...args: string[]) {
	const child = start(...args);
	const [[code], output, errors] = await Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
	return { code: code as number | null, output, errors };
}
