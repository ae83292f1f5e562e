// A stop waits for no time limit when nothing is under way, whatever the clients do. Timers that are set during the stop never fire here,
// so a stop that waits for one never ends.
import { readConfig, startServer, type RunningServer } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterEach, expect, it, onTestFinished, vi } from "vitest";

afterEach(() => void vi.useRealTimers());

async function start(): Promise<{ server: RunningServer; connection: RawConnection }> {
	const dir = new TemporaryDir();
	onTestFinished(() => dir[Symbol.dispose]());
	const settings = { FANFARE_PORT: "0", FANFARE_DATA_DIR: dir.join("data"), FANFARE_LOG_LEVEL: "silent" };
	const server = await startServer(readConfig(settings));
	const connection = new RawConnection(Number(new URL(server.url).port));
	onTestFinished(() => connection[Symbol.dispose]());
	return { server, connection };
}

async function stopWithoutTimers(server: RunningServer): Promise<void> {
	vi.useFakeTimers({ toFake: ["setTimeout", "setInterval"] });
	await server.stop();
	await server.closed;
}

it("ends although a client keeps its connection open", async () => {
	const { server, connection } = await start();
	await connection.request("GET", "/healthz", {});
	expect((await connection.answer()).status).toBe(200);
	expect(connection.isClosed).toBe(false);
	await stopWithoutTimers(server);
});

it("ends although a client does not read its live stream", async () => {
	const { server, connection } = await start();
	const { project, secretKey } = server.firstStart!;
	const path = `/projects/${project.id}`;
	await connection.write(requestHead("GET", `${path}/stream`, { "secret-key": secretKey! }));
	await eventually("the stream to begin", () => connection.unread.includes("heartbeat"));
	connection.pause();
	const events = Array.from({ length: 1_000 }, () => ({ type: "a.b", data: 1 }));
	for (let batch = 0; batch < 5; batch++) {
		const answer = await fetch(`${server.url}${path}/events:batch`, {
			method: "POST",
			headers: { "secret-key": secretKey!, "content-type": "application/json" },
			body: JSON.stringify({ events }),
		});
		expect(answer.status).toBe(202);
		await answer.arrayBuffer();
	}
	await stopWithoutTimers(server);
});
