// A server without a free file descriptor: its attempts fail because of itself, which is no failure of a receiver.
import { descriptorsIssue, takeDescriptors } from "@fanfare/testkit/descriptors";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { describe, expect, it } from "vitest";

const issue = descriptorsIssue();
if (issue !== null) process.stderr.write(`descriptors.all.test.ts is skipped: ${issue}\n`);

it.runIf(process.env["CI"] === "true")("can be tested on the CI machine", () => {
	expect(issue).toBeNull();
});

/** Calls over a connection that is open already: the server can accept no other one. */
function caller(server: ServerProcess) {
	const connection = new RawConnection(server.port);
	const call = async (method: string, path: string, body?: unknown) => {
		const headers = { "secret-key": server.key, "content-type": "application/json" };
		await connection.request(method, path, headers, body === undefined ? "" : JSON.stringify(body));
		const { status, body: text } = await connection.answer();
		return { status, text, json: JSON.parse(text) as Record<string, unknown> };
	};
	return { call, [Symbol.dispose]: () => connection[Symbol.dispose]() };
}

describe.skipIf(issue !== null)("a server without a free descriptor", () => {
	it.each([
		["an address", "127.0.0.1"],
		["a name, which can't be looked up", "localhost"],
	])("gives deliveries back, says so, and makes them later without having used a retry: to %s", async (_what, host) => {
		await using receiver = await startReceiver();
		const env = { FANFARE_ALLOW_NETWORKS: "127.0.0.0/8,::1" };
		await using server = await startServerProcess({ env });
		using client = caller(server);
		// Another connection would end while it is idle, and leave its descriptor to an attempt.
		const spec = { endpoint: `http://${host}:${receiver.port}/`, retries: { maxRetries: 0 } };
		const created = await client.call("POST", `/projects/${server.projectId}/batch/webhooks`, { name: "test", spec });
		expect(created).toMatchObject({ status: 200 });
		expect(await client.call("GET", "/readyz")).toMatchObject({ status: 200 });
		let id: string;
		{
			using _ = takeDescriptors(server.pid);
			const sent = await client.call("POST", `/projects/${server.projectId}/events`, { type: "a.b", data: 1 });
			expect(sent.status).toBe(202);
			id = String(sent.json["id"]);
			const ready = await eventually("the server to be not ready", async () => {
				const answer = await client.call("GET", "/readyz");
				return answer.status === 503 ? answer : null;
			});
			expect(ready.text).toContain("this process has no free file descriptor (EMFILE): no attempt begins");
			const deliveries = await client.call("GET", `/projects/${server.projectId}/deliveries?eventId=${id}`);
			expect(deliveries.json["data"]).toMatchObject([{ status: "Pending", attemptCount: 0, reason: null }]);
		}
		const { attempts } = await server.waitForDelivery(id, ({ status }) => status === "Succeeded");
		expect(attempts).toHaveLength(1);
		expect(receiver.requests).toHaveLength(1);
		const { text } = await server.call("GET", "/metrics");
		expect(Number(/^fanfare_attempts_returned_total\{reason="shortage"\} (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
		await eventually("the server to be ready", async () => (await server.call("GET", "/readyz")).status === 200);
		await eventually("the line in the log", () => server.stdout.includes("attempts pause"));
	});

	it("needs few of them when it does nothing", async () => {
		await using server = await startServerProcess();
		// A client each for reading and for the look at the limit.
		using _ = takeDescriptors(server.pid, 4);
		expect((await server.call("GET", "/readyz")).status).toBe(200);
	});
});
