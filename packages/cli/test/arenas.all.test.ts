// The C library's arenas of a server, on Linux: see src/commands/operate/arenas.ts.
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

import { startServerProcess } from "@fanfare/testkit/server-process";
import { describe, expect, it } from "vitest";

/** A variable in the environment that the process was started with; undefined if it had none. */
function startedWith(pid: number, name: string): string | undefined {
	const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
	return variables.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** As nobody else starts it: a server that is told nothing, and whose modules are its own. */
const PLAIN = { unbundled: true };

/** Starts a program that does this, with `limitArenas`, and without a setting of its parent's. */
function programThat(does: string, channel: readonly "ipc"[] = []): ChildProcess {
	const module = new URL("../src/commands/operate/arenas.ts", import.meta.url).href;
	const code = `import { limitArenas } from ${JSON.stringify(module)};\n${does}`;
	const { MALLOC_ARENA_MAX: _, GLIBC_TUNABLES: __, ...env } = process.env;
	const stdio: StdioOptions = ["ignore", "inherit", "ignore", ...channel];
	return spawn(process.execPath, ["--input-type=module", "--eval", code], { env, stdio });
}

describe.runIf(process.platform === "linux")("the arenas of a server", () => {
	it("are two by default, in the process that was started, which goes on as the same one", async () => {
		await using server = await startServerProcess({ ...PLAIN, env: { FANFARE_LOG_LEVEL: "info" } });
		expect(startedWith(server.pid, "MALLOC_ARENA_MAX")).toBe("2");
		const args = readFileSync(`/proc/${server.pid}/cmdline`, "utf8").split("\0");
		expect(args.filter((arg) => arg === "serve")).toHaveLength(1);
		expect(args).toContain("--conditions=@fanfare/source");
		await server.createWebhook("http://127.0.0.1:9/");
		await server.stop();
		expect(server.stderr).not.toMatch(/warning/i);
	});

	it("are as many as somebody says, by either of the C library's settings", async () => {
		await using server = await startServerProcess({ ...PLAIN, env: { MALLOC_ARENA_MAX: "3" } });
		expect(startedWith(server.pid, "MALLOC_ARENA_MAX")).toBe("3");
		const env = { GLIBC_TUNABLES: "glibc.malloc.arena_max=3" };
		await using other = await startServerProcess({ ...PLAIN, env });
		expect(startedWith(other.pid, "MALLOC_ARENA_MAX")).toBeUndefined();
	});

	it("are left alone where a parent sends messages, which starting again would end", async () => {
		const child = programThat("limitArenas(); process.send({ arenas: process.env.MALLOC_ARENA_MAX });", ["ipc"]);
		const [message] = await Promise.race([once(child, "message"), once(child, "exit")]);
		expect(message).toEqual({});
	});

	it("are left alone where the system refuses to start it again, and the program goes on", async () => {
		const child = programThat('process.execPath = "/nowhere/node"; limitArenas(); process.exitCode = 3;');
		expect(await once(child, "exit")).toEqual([3, null]);
	});

	it.each([
		["24.22.3", 0],
		["26.0.0", 0],
		["26.1.0", 1],
		["27.0.0", 1],
	])("with Node %s, which ends where that is refused before 26.1: starts again %d times", async (node, times) => {
		const child = programThat(`
			Object.defineProperty(process, "versions", { value: { node: "${node}" } });
			process.exitCode = 0;
			process.execve = () => process.exitCode++;
			limitArenas();
		`);
		expect(await once(child, "exit")).toEqual([times, null]);
	});

	it("are two also where tests start it with such a parent", async () => {
		await using server = await startServerProcess({ onMessage: () => {} });
		expect(startedWith(server.pid, "MALLOC_ARENA_MAX")).toBe("2");
	});
});
