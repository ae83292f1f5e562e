// `fanfare tail` and `fanfare listen --quiet` while the server is away.
import { once } from "node:events";
import { createServer } from "node:net";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess } from "@fanfare/testkit/fanfare-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { LocalProgram } from "./support/local-program.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Listens on the port until it has cut this many connections. */
async function cutConnections(port: number, count: number): Promise<void> {
	const listener = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
	for (let cut = 0; cut < count; cut++) await once(listener, "connection");
	listener.close();
	await once(listener, "close");
}

describe("tail while the server is away", () => {
	it.each([
		["people", [], /^$/],
		["scripts", ["--json"], /^\{"kind":"ready"\}\n$/],
	] as const)(
		"tells %s once that the connection is lost and tried again, and once that it is back",
		async (_, flags, before) => {
			// The stream has nothing to say, so all that is printed is about the connection.
			const args = ["tail", "--event-types", "away.*", ...flags];
			await using tail = new FanfareProcess(args, { env: world.scriptEnv });
			await eventually("it to be ready", () => /Live|"ready"/.test(tail.stdout + tail.stderr));
			const stdoutBefore = tail.stdout;
			expect(stdoutBefore).toMatch(before);
			world.server.kill("SIGKILL");
			await world.server.exited;
			await tail.waitForStderr(/ ! the connection to \S+ is lost; it is tried again until it is back\. .*cut off\.\n$/);
			// It goes on trying, and says no more.
			await cutConnections(world.server.port, 2);
			await world.server.restart();
			await tail.waitForStderr(/✓ connected again: it goes on at the same place\n/);
			await world.server.project.events.send({ type: "away.over", data: 1 });
			await eventually("the event", () => tail.stdout.includes("away.over"));
			expect(tail.stderr.match(/is lost/g)).toHaveLength(1);
			expect(tail.stderr.match(/connected again/g)).toHaveLength(1);
			tail.kill("SIGINT");
			expect((await tail.exited).code).toBe(130);
		},
	);

	it("listen --quiet, which prints ids alone, tells both on standard error", async () => {
		await using program = await LocalProgram.start();
		const args = ["listen", `${program.port}`, "--device", "quiet", "--quiet"];
		await using listener = new FanfareProcess(args, { env: world.scriptEnv });
		const connected = async () => (await world.server.project.relays.list()).some((relay) => relay.connected);
		await eventually("it to be connected", connected);
		world.server.kill("SIGKILL");
		await world.server.exited;
		await listener.waitForStderr(/ ! the server is away: deliveries wait there, .* The connection was cut off\.\n$/);
		await cutConnections(world.server.port, 2);
		await world.server.restart();
		await listener.waitForStderr(/^.*cut off\.\n.*✓ connected again\n$/);
		listener.kill("SIGINT");
		expect((await listener.exited).code).toBe(130);
		expect(listener.stdout).toBe("");
	});
});
