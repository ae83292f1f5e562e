// A disk that is really full: what is acknowledged stays, what can't be kept is refused, and room is all that it takes to go on.
import { mkdirSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type Answer, type ServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { describe, expect, it } from "vitest";

const DISK_MIB = 32;
const PAYLOAD = "x".repeat(16 * 1_024);
/** Attempts whose answers come only after the disk is full. */
const UNDER_WAY = 5;

const issue = smallDiskIssue();
if (issue !== null) process.stderr.write(`disk-full.test.ts is skipped: ${issue}\n`);

it.runIf(process.env["CI"] === "true")("can be tested here", () => {
	expect(issue).toBeNull();
});

describe.skipIf(issue !== null)("with a full disk", () => {
	it("refuses sends, keeps what it has acknowledged, settles what was under way, and goes on once there is room", async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ dataDir: disk.join("data") });
		await server.createWebhook(receiver.url);
		const { eventIds, answer } = await sendHeldBack(server, receiver);
		disk.fill(512 * 1_024);
		const acknowledged = [...eventIds, ...(await sendUntilFull(server))];
		disk.fill();

		await expectFull(server);
		answer();
		expect((await server.call("GET", "/healthz")).status).toBe(200);
		// What has arrived meanwhile can't be written yet; nobody is told otherwise.
		await receiver.waitFor(acknowledged.length);
		expect((await server.call("GET", `/projects/${server.projectId}/deliveries?status=Pending`)).json).toMatchObject({
			data: expect.arrayContaining(eventIds.map((eventId) => expect.objectContaining({ eventId }))),
		});
		await expectFull(server);

		disk.removeFiller();
		await eventually("the server to be ready", async () => (await server.call("GET", "/readyz")).status === 200);
		await expectDeliveredOnce(server, receiver, acknowledged);
		const { status, json } = await send(server, "after");
		expect(status).toBe(202);
		await expectDeliveredOnce(server, receiver, [...acknowledged, idOf(json)]);
		expect(await server.stop()).toEqual({ code: 0, signal: null });
	});

	it("attempts again soon after there is room what has failed meanwhile", async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ dataDir: disk.join("data") });
		await server.createWebhook(receiver.url);
		const { eventIds, answer } = await sendHeldBack(server, receiver, 500);
		disk.fill(512 * 1_024);
		const acknowledged = [...eventIds, ...(await sendUntilFull(server))];
		disk.fill();
		answer();
		await receiver.waitFor(acknowledged.length);
		await expectFull(server);
		disk.removeFiller();
		await expectDelivered(server, acknowledged);
	});

	it("restarted after a SIGKILL, says what is wrong; with room, delivers everything that was acknowledged", async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ dataDir: disk.join("data") });
		await server.createWebhook(receiver.url);
		const { eventIds } = await sendHeldBack(server, receiver);
		disk.fill(512 * 1_024);
		const acknowledged = [...eventIds, ...(await sendUntilFull(server))];
		disk.fill();
		server.kill("SIGKILL");
		await server.exited;
		disk.fill();

		await expectHonestStart(server);
		disk.removeFiller();
		receiver.script(() => ({}));
		await server.restart();
		await expectDelivered(server, acknowledged);
	});

	it("does not start on an empty directory, and says why", async () => {
		using disk = new SmallDisk(1);
		mkdirSync(disk.join("data"));
		disk.fill();
		const env = { FANFARE_PORT: "0", FANFARE_DATA_DIR: disk.join("data") };
		const { code, stderr } = await runFanfare(["serve"], { env });
		expect([code, stderr]).toEqual([1, expect.stringMatching(/^fanfare: .*(full|no space).*\n$/)]);
		disk.removeFiller();
		await using server = await startServerProcess({ dataDir: disk.join("data") });
		expect((await server.call("GET", "/readyz")).status).toBe(200);
	});

	it("stops gracefully, and delivers after a restart what it could not write", async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		const env = { FANFARE_SHUTDOWN_GRACE_MS: "500" };
		await using server = await startServerProcess({ dataDir: disk.join("data"), env });
		await server.createWebhook(receiver.url);
		const { eventIds, answer } = await sendHeldBack(server, receiver);
		disk.fill(256 * 1_024);
		const acknowledged = [...eventIds, ...(await sendUntilFull(server))];
		disk.fill();
		answer();

		server.kill("SIGTERM");
		const exit = await server.exited;
		disk.removeFiller();
		expect(exit).toEqual({ code: 0, signal: null });
		await server.restart();
		await expectDelivered(server, acknowledged);
	});
});

function send(server: ServerProcess, data: unknown): Promise<Answer> {
	return server.call("POST", `/projects/${server.projectId}/events`, { type: "a.b", data });
}

/** Sends events whose attempts are answered when `answer` is called, with this status, and waits until these are under way. */
async function sendHeldBack(server: ServerProcess, receiver: Receiver, status = 200) {
	const { promise, resolve } = Promise.withResolvers<void>();
	receiver.script(async (_request, index) => {
		await promise;
		return index < UNDER_WAY ? { status } : {};
	});
	const answers = await Promise.all(Array.from({ length: UNDER_WAY }, (_, n) => send(server, n)));
	await receiver.waitFor(UNDER_WAY);
	return { eventIds: answers.map(({ json }) => idOf(json)), answer: resolve };
}

/** Returns the ids of those that were acknowledged. Large and then small, so that nothing fits any more. */
async function sendUntilFull(server: ServerProcess): Promise<string[]> {
	const ids: string[] = [];
	for (const data of [PAYLOAD, "small"]) {
		let answer = await send(server, data);
		for (; answer.status === 202; answer = await send(server, data)) ids.push(idOf(answer.json));
		expectStoreFull(answer);
	}
	return ids;
}

async function expectFull(server: ServerProcess): Promise<void> {
	expectStoreFull(await send(server, PAYLOAD));
	const batch = {
		events: [
			{ type: "a.b", data: PAYLOAD },
			{ type: "a.b", data: 2 },
		],
	};
	expectStoreFull(await server.call("POST", `/projects/${server.projectId}/events:batch`, batch));
	// Small writes go on until they have used up what is left of the log's last pages.
	const webhook = { name: "no room", spec: { endpoint: "http://127.0.0.1:9/", eventTypes: ["never.sent"] } };
	const create = () => server.call("POST", `/projects/${server.projectId}/batch/webhooks`, webhook);
	let created = await create();
	while (created.status === 200) created = await create();
	expectStoreFull(created);
	const ready = await eventually("/readyz to be 503", async () => {
		const answer = await server.call("GET", "/readyz");
		return answer.status === 503 ? answer : null;
	});
	expect(ready.json).toMatchObject({
		ready: false,
		checks: { store: { ok: false, message: expect.stringContaining("full") } },
	});
}

/** It either refuses to start with a sentence, or starts and says of each send and in /readyz that the disk is full. */
async function expectHonestStart(server: ServerProcess): Promise<void> {
	await server.begin();
	const outcome = await Promise.race([server.exited, server.ready().catch(() => null)]);
	if (outcome === undefined) {
		await expectFull(server);
		server.kill("SIGKILL");
		return;
	}
	expect((await server.exited).code).toBe(1);
	expect(server.stderr).toMatch(/^fanfare: .*full.*\n$/);
}

function expectStoreFull({ status, json, headers }: Answer): void {
	expect([status, json]).toMatchObject([503, { code: "store_full" }]);
	expect(headers.get("retry-after")).toMatch(/^\d+$/);
}

async function expectDelivered(server: ServerProcess, eventIds: readonly string[]): Promise<void> {
	const { deliveries } = server.project;
	const isIdle = async () => (await deliveries.list({ status: "Pending", limit: 1 })).data.length === 0;
	await eventually("nothing to wait any more", isIdle);
	const succeeded = await Array.fromAsync(deliveries.list({ status: "Succeeded" }));
	expect(new Set(succeeded.map(({ eventId }) => eventId))).toEqual(new Set(eventIds));
	expect(await Array.fromAsync(server.project.events.list())).toHaveLength(eventIds.length);
}

/** Also: each with one attempt, of which the receiver knows. */
async function expectDeliveredOnce(
	server: ServerProcess,
	receiver: Receiver,
	eventIds: readonly string[],
): Promise<void> {
	await expectDelivered(server, eventIds);
	const attempted = receiver.requests.map(({ headers }) => String(headers["webhook-id"]));
	expect(attempted.sort()).toEqual([...eventIds].sort());
	for (const delivery of (await server.project.deliveries.list()).data) {
		expect(delivery).toMatchObject({ attemptCount: 1, responseCode: 200 });
	}
}

function idOf(json: unknown): string {
	return (json as { id: string }).id;
}
