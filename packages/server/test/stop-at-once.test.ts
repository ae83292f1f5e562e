// A stop waits for no time limit when nothing is under way, whatever the clients do. Timers that are set during the stop never fire here,
// so a stop that waits for one never ends.
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { afterEach, expect, it, vi } from "vitest";

import { startHere, type ServerHere } from "./server-here.ts";

afterEach(() => void vi.useRealTimers());

async function stopWithoutTimers({ running }: ServerHere): Promise<void> {
	vi.useFakeTimers({ toFake: ["setTimeout", "setInterval"] });
	await running.stop();
	await running.closed;
}

it("ends although a client keeps its connection open", async () => {
	await using server = await startHere();
	using connection = new RawConnection(server.port);
	await connection.request("GET", "/healthz", {});
	expect((await connection.answer()).status).toBe(200);
	expect(connection.isClosed).toBe(false);
	await stopWithoutTimers(server);
});

it("ends although a client does not read its live stream", async () => {
	await using server = await startHere();
	using connection = new RawConnection(server.port);
	await connection.write(requestHead("GET", `/projects/${server.projectId}/stream`, { "secret-key": server.key }));
	await eventually("the stream to begin", () => connection.unread.includes("heartbeat"));
	connection.pause();
	const events = Array.from({ length: 1_000 }, () => ({ type: "a.b", data: 1 }));
	for (let batch = 0; batch < 5; batch++) {
		const answer = await server.call("POST", `/projects/${server.projectId}/events:batch`, { events });
		expect(answer.status).toBe(202);
	}
	await stopWithoutTimers(server);
});
