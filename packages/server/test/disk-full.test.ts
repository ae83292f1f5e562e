// A disk that is really full: acknowledged events are kept, new ones are refused, and the server recovers once there is space.
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { expect, it } from "vitest";

import { DISK_MIB, expectDeliveredOnce, expectFull, fillWithEvents, idOf, PATIENT, QUOTA, send } from "./full-disk.ts";

const issue = smallDiskIssue();
if (issue !== null) process.stderr.write(`disk-full.test.ts is skipped: ${issue}\n`);

it.runIf(process.env["CI"] === "true")("can be tested on the CI machine", () => {
	expect(issue).toBeNull();
});

it.skipIf(issue !== null)(
	"refuses sends, keeps acknowledged events, records the attempts in flight, and recovers once there is space",
	async () => {
		using disk = new SmallDisk(DISK_MIB);
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ dataDir: disk.join("data"), env: QUOTA });
		await server.createWebhook(receiver.url, PATIENT);
		const { inFlight, acknowledged, answer } = await fillWithEvents(disk, server, receiver);
		await expectFull(server);
		answer();
		expect((await server.call("GET", "/healthz")).status).toBe(200);
		await receiver.waitFor(acknowledged.length);
		// The outcomes can't be recorded yet, unless their commit finds room in the pages that the write-ahead log has already.
		const { json: shown } = await server.call("GET", `/projects/${server.projectId}/deliveries?limit=1000`);
		const { data } = shown as { data: { eventId: string; status: string; attemptCount: number }[] };
		for (const eventId of inFlight) {
			const { status, attemptCount } = data.find((delivery) => delivery.eventId === eventId) ?? {};
			expect([status, attemptCount]).toEqual(attemptCount === 0 ? ["Pending", 0] : ["Succeeded", 1]);
		}
		await expectFull(server);

		disk.removeFiller();
		await eventually("the server to be ready", async () => (await server.call("GET", "/readyz")).status === 200);
		await expectDeliveredOnce(server, receiver, acknowledged);
		const { status, json } = await send(server, "after");
		expect(status).toBe(202);
		await expectDeliveredOnce(server, receiver, [...acknowledged, idOf(json)]);
		expect(await server.stop()).toEqual({ code: 0, signal: null });
	},
);
