// Calls that end early: by timeout or by a signal.
import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

import { ConnectionError, TimeoutError } from "../src/index.ts";
import { platformRuntime } from "../src/platform.ts";
import { failure, hang, hangInBody, json, raw, ScriptedServer, testClient } from "./scripted-server.ts";

const run = promisify(execFile);
const ok = json(200, { id: "ws_1" });

describe("timeouts", () => {
	it.each([
		["the response", hang],
		["the rest of the body", hangInBody],
	])("end a wait for %s", async (_name, step) => {
		await using server = await ScriptedServer.start(step);
		const error = await failure(testClient(server, { maxRetries: 0, timeoutMs: 50 }).client.getInfo());

		expect(error).toBeInstanceOf(TimeoutError);
		expect(error).toBeInstanceOf(ConnectionError);
		expect((error as Error).message).toContain("within 50 ms");
	});

	it("can be set for one call", async () => {
		await using server = await ScriptedServer.start(hang);
		expect(await failure(testClient(server).client.getInfo({ maxRetries: 0, timeoutMs: 50 }))).toBeInstanceOf(
			TimeoutError,
		);
	});
});

it("a finished call does not keep the process alive until its timeout", async () => {
	await using server = await ScriptedServer.start(ok);
	const program = `
		import { Client } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url))};
		await new Client("sk_x", { endpoint: ${JSON.stringify(server.endpoint)}, timeoutMs: 600_000 }).getInfo();
		process.stdout.write("answered");
	`;
	const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { timeout: 60_000 });
	expect(stdout).toBe("answered");
});

describe("a signal", () => {
	it("ends a call in progress, with its reason and without a retry", async () => {
		const controller = new AbortController();
		const reason = new Error("the user went away");
		await using server = await ScriptedServer.start(() => controller.abort(reason));

		const { client } = testClient(server);
		expect(await failure(client.getInfo({ signal: controller.signal, maxRetries: 0 }))).toBe(reason);
		expect(server.requests).toHaveLength(1);
	});

	it("can be reused for many calls without accumulating listeners", async () => {
		const { signal } = new AbortController();
		await using server = await ScriptedServer.start(ok, raw(500, ""), ok);
		const { client } = testClient(server);
		await client.getInfo({ signal });
		await client.getInfo({ signal });
		expect(getEventListeners(signal, "abort")).toEqual([]);
	});

	it("prevents a call if it is already aborted", async () => {
		await using server = await ScriptedServer.start(ok);
		const error = await failure(testClient(server).client.getInfo({ signal: AbortSignal.abort() }));
		expect(error).toMatchObject({ name: "AbortError" });
		expect(server.requests).toEqual([]);
	});

	it("ends the wait between two tries", async () => {
		const controller = new AbortController();
		await using server = await ScriptedServer.start(raw(503, "{}", { "retry-after": "60" }));
		// The real sleep: without the signal, the test would take a minute.
		const { client } = testClient(
			server,
			{},
			{
				sleep: (ms, signal) => {
					const slept = platformRuntime.sleep(ms, signal);
					controller.abort();
					return slept;
				},
			},
		);
		expect(await failure(client.getInfo({ signal: controller.signal }))).toMatchObject({ name: "AbortError" });
	});
});
