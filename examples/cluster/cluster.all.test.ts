import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { eventually } from "@fanfare/testkit/eventually";
import { natsIssue } from "@fanfare/testkit/programs/nats";
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { describe, expect, it } from "vitest";

import { Address } from "./address.ts";
import { Part, type PartEvent } from "./part.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

const play = (...args: string[]) =>
	promisify(execFile)(process.execPath, ["--conditions=@fanfare/source", MAIN, ...args]);

describe.skipIf(postgresIssue() !== null || natsIssue() !== null)("npm run cluster -- --drill", () => {
	it("loses nothing when a process or NATS is killed, and when the standby takes the primary's place", async () => {
		const { stdout } = await play("--drill", "--step", "worker", "--step", "all-nats", "--step", "promote");
		expect(stdout).toMatch(/worker-1 has ended; it is started again in 3 s\n +worker-1 runs again, as process \d+/);
		expect(stdout).toMatch(/the standby takes its place\n✓ \d+ events accepted meanwhile/);
		expect(stdout).toMatch(/✓ Nothing was lost: (\d+) accepted, \1 arrived, 0 on their way/);
	});
});

describe("the command line", () => {
	it("has a help that fits a terminal", async () => {
		const { stdout } = await play("--help");
		expect(stdout).toContain("npm run cluster -- [options]");
		expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
	});

	it.each([
		[["--rate", "0"], "--rate must be a whole number from 1 to 200"],
		[["--drill", "--step", "fire"], "--step must be one of worker, suspended,"],
		[["--step", "worker"], "--step is for --drill"],
		[["--kill"], "Unknown option '--kill'"],
	])("refuses %j", async (args, problem) => {
		await expect(play(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(problem) as string });
	});
});

describe("a part", () => {
	/** Runs until it is told that it has ended. */
	function runnable(failures = 0) {
		let pid: number | null = null;
		let starts = 0;
		return {
			get pid() {
				return pid;
			},
			lastWords: "",
			start: () => {
				if (++starts > 1 && starts <= 1 + failures) return Promise.reject(new Error("not yet"));
				pid = starts;
				return Promise.resolve();
			},
			stop: () => {
				pid = null;
				return Promise.resolve();
			},
			end: () => (pid = null),
		};
	}

	it("is started again after its end, also if that fails at first, until it leaves", async () => {
		const what = runnable(1);
		const events: PartEvent[] = [];
		const part = new Part("one", "a part", what, (_, event) => events.push(event), 1);
		await part.start();
		what.end();
		await eventually("the part to be started again", () => (events.at(-1) === "started" ? true : null));
		expect([part.pid, events]).toEqual([3, ["ended", "failed to start", "started"]]);
		await part.leave();
		expect(part.pid).toBeNull();
	});
});

it("an address leads to where its target is now, and resets connections while there is none", async () => {
	const servers = ["one", "two"].map((text) => createServer((_, response) => response.end(text)));
	for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
	const ports = servers.map((server) => (server.address() as AddressInfo).port);
	let port: number | null = null;
	const address = await Address.open(() => port);
	const get = async () => (await fetch(`http://127.0.0.1:${address.port}/`)).text();
	await expect(get()).rejects.toThrow("fetch failed");
	port = ports[0]!;
	expect(await get()).toBe("one");
	port = ports[1]!;
	address.cut();
	expect(await get()).toBe("two");
	address.close();
	for (const server of servers) server.close();
});
