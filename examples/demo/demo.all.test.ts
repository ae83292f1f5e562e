// Shows that the demo can fail, what it leaves behind when it is interrupted, and what it leaves running.
import { once } from "node:events";
import { readdirSync } from "node:fs";
import type { Readable } from "node:stream";

import { Client } from "@fanfare/sdk";
import { describe, expect, it } from "vitest";

import { DemoHome } from "./test/run-demo.ts";

describe("the demo", () => {
	it("exits with 1 and names lost events if the webhook may not retry", async () => {
		await using home = await DemoHome.make();
		const { code, output } = await home.demo("--events", "100", "--kills", "0", "--retries", "0");
		expect(output).toMatch(
			/✗ \d+ of 100 acknowledged events were lost:\n +evt_\S+\n +the server has it as Failed: exhausted/,
		);
		expect(output).not.toMatch(/^ {2}lost +0 /m);
		expect(output).not.toContain("Nothing was lost");
		expect(code).toBe(1);
	});

	it("leaves neither a server nor a file behind when it is interrupted", async () => {
		await using home = await DemoHome.make();
		const child = home.start("--events", "1000");
		const ended = once(child, "exit");
		const output = await outputUntil(child.stdout, "✓ test");
		const url = /✓ server +(http:\S+),/.exec(output)?.[1] ?? "";
		expect((await fetch(`${url}/healthz`)).status).toBe(200);
		expect(readdirSync(home.path)).toHaveLength(1);
		child.kill("SIGINT");
		expect(await ended).toEqual([130, null]);
		expect(readdirSync(home.path)).toEqual([]);
		await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
	});

	it("leaves the server running with --keep, at the address, with the key and the sign-in link that it prints", async () => {
		await using home = await DemoHome.make();
		const { code, output } = await home.demo("--events", "20", "--kills", "0", "--keep");
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
});

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
