// More of what a full disk can meet: failed attempts, a kill, a stop, a first start, and two projects.
import { mkdirSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { describe, expect, it } from "vitest";

import { DISK_MIB, expectDelivered, expectFull, fillWithEvents, PATIENT, PAYLOAD, QUOTA, send } from "./full-disk.ts";

describe.skipIf(smallDiskIssue() !== null)("with a full disk", () => {
	it("attempts failed deliveries again soon after there is space", async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ dataDir: disk.join("data"), env: QUOTA });
		await server.createWebhook(receiver.url, PATIENT);
		const { acknowledged, answer } = await fillWithEvents(disk, server, receiver, 500);
		answer();
		await receiver.waitFor(acknowledged.length);
		await expectFull(server);
		disk.removeFiller();
		await expectDelivered(server, acknowledged);
	});

	it("reports the problem when restarted after a SIGKILL; with space, delivers every acknowledged event", async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ dataDir: disk.join("data"), env: QUOTA });
		await server.createWebhook(receiver.url, PATIENT);
		const { acknowledged } = await fillWithEvents(disk, server, receiver);
		server.kill("SIGKILL");
		await server.exited;
		disk.fill();

		await expectStartReportsFullDisk(server);
		disk.removeFiller();
		receiver.script(() => ({}));
		await server.restart();
		await expectDelivered(server, acknowledged);
	});

	it("does not start on an empty directory, and reports why", async () => {
		using disk = new SmallDisk(4);
		mkdirSync(disk.join("data"));
		disk.fill();
		const env = { FANFARE_PORT: "0", FANFARE_DATA_DIR: disk.join("data") };
		const { code, stderr } = await runFanfare(["serve"], { env });
		expect([code, stderr]).toEqual([1, expect.stringMatching(/^fanfare: .*(full|no space).*\n$/)]);
		disk.removeFiller();
		await using server = await startServerProcess({ dataDir: disk.join("data"), env: QUOTA });
		expect((await server.call("GET", "/readyz")).status).toBe(200);
	});

	it("stops gracefully, and after a restart delivers the events whose outcomes it could not record", async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		const env = { ...QUOTA, FANFARE_SHUTDOWN_GRACE_MS: "500" };
		await using server = await startServerProcess({ dataDir: disk.join("data"), env });
		await server.createWebhook(receiver.url, PATIENT);
		const { acknowledged, answer } = await fillWithEvents(disk, server, receiver);
		answer();

		server.kill("SIGTERM");
		const exit = await server.exited;
		disk.removeFiller();
		expect(exit).toEqual({ code: 0, signal: null });
		await server.restart();
		await expectDelivered(server, acknowledged);
	});

	it("refuses the project that holds most of the store before the disk is full, and not another one", async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ dataDir: disk.join("data") });
		await server.createWebhook(receiver.url);
		const created = await server.call("POST", "/workspace/projects", { name: "other" });
		const { id: other } = created.json as { id: string };
		for (let sent = 0; sent < 256; sent++) expect((await send(server, PAYLOAD)).status).toBe(202);
		disk.fill(2 * 1_024 * 1_024);
		// Without sends, which might use up what is left before the server looks at it.
		await eventually("the server to say that the project crowds the store", async () => {
			const { warnings } = (await server.call("GET", "/workspace/status")).json as { warnings: { code: string }[] };
			return warnings.some(({ code }) => code === "project_crowding");
		});
		const refused = await send(server, "small");
		expect(refused).toMatchObject({ status: 429, json: { code: "stored_bytes_exceeded" } });
		expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
		expect((await server.call("POST", `/projects/${other}/events`, { type: "a.b", data: 1 })).status).toBe(202);
		expect((await server.call("GET", "/readyz")).status).toBe(200);
		disk.removeFiller();
		await eventually("sends are accepted again", async () => (await send(server, "small")).status === 202);
	});
});

/** Expects that the server refuses to start with a message, or starts and reports the full disk for each send and in /readyz. */
async function expectStartReportsFullDisk(server: ServerProcess): Promise<void> {
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
