// How the command behaves where a server, or a folder, does not answer.
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { expect, it } from "vitest";

/** A server that accepts connections and never answers. */
async function silentServer() {
	const sockets = new Set<Socket>();
	const server = createServer((socket) => void sockets.add(socket.on("error", () => {}))).listen(0, "127.0.0.1");
	await once(server, "listening");
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		[Symbol.dispose]() {
			for (const socket of sockets) socket.destroy();
			server.close();
		},
	};
}

it("says that it waits for a silent server, and gives up after FANFARE_TIMEOUT for all tries together", async () => {
	using server = await silentServer();
	const env = { FANFARE_URL: server.url, FANFARE_KEY: "sk_x", FANFARE_TIMEOUT: "4s" };
	const { code, stdout, stderr } = await runFanfare(["webhooks", "list"], { env });
	expect([code, stdout]).toEqual([5, ""]);
	expect(stderr).toMatch(/^… Waiting for http.* for 4 s at most \(FANFARE_TIMEOUT\)\n/);
	expect(stderr).toMatch(/has not answered for 4 s[^]*next {5}fanfare doctor\n$/);
});

it("prints nothing but the error with --json, and refuses a timeout that is none", async () => {
	using server = await silentServer();
	const env = { FANFARE_URL: server.url, FANFARE_KEY: "sk_x", FANFARE_TIMEOUT: "100ms" };
	const { code, stderr } = await runFanfare(["webhooks", "list", "--json"], { env });
	expect([code, JSON.parse(stderr)]).toMatchObject([5, { error: { exitCode: 5 } }]);
	const wrong = await runFanfare(["webhooks", "list"], { env: { ...env, FANFARE_TIMEOUT: "soon" } });
	expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/FANFARE_TIMEOUT must be .* got "soon"/)]);
});

it.runIf(process.platform === "linux")("does not hang where a folder for profiles can't be made", async () => {
	const env = { FANFARE_CONFIG_DIR: "/proc/x" };
	const { code, stderr } = await runFanfare(["use", "--list"], { env });
	expect([code, stderr]).toEqual([0, expect.stringContaining("no profile yet")]);
	const { writeProfiles } = await import("../src/frame/profiles.ts");
	expect(() => writeProfiles({ current: null, profiles: {} }, "/proc/x/y/profiles.json")).toThrow(
		/could not be written/,
	);
});
