// The backup of docs/deploying.md: taken from a running server, and restored into another directory.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { SendingLoad } from "@fanfare/testkit/sending-load";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

it("a copy of a running server's database contains every event that was acknowledged before, and delivers those that wait", async () => {
	using folder = new TemporaryDir();
	mkdirSync(folder.join("data"));
	const copy = folder.join("data/fanfare.db");
	const documented = readFileSync(new URL("../../../docs/deploying.md", import.meta.url), "utf8");
	expect(documented).toContain(`"VACUUM INTO '`);

	await using receiver = await startReceiver();
	await using server = await startServerProcess();
	const waiting = await server.createWebhook(receiver.url);
	await server.project.batch.webhooks.pause(waiting.id);
	await using load = new SendingLoad(server, { senders: 8, pauseMs: 0, random: () => 0 });
	await eventually("events to be acknowledged", () => load.acknowledged.size >= 100);
	const before = [...load.acknowledged.keys()];
	{
		using database = new DatabaseSync(`${server.dataDir}/fanfare.db`);
		database.exec(`VACUUM INTO '${copy}'`);
	}
	await load.stop();
	copyFileSync(`${server.dataDir}/master.key`, folder.join("data/master.key"));
	server.kill("SIGKILL");

	await using restored = await startServerProcess({
		dataDir: folder.join("data"),
		env: { FANFARE_ADMIN_KEY: server.key },
	});
	await restored.project.batch.webhooks.resume(waiting.id);
	for (const id of before) await restored.waitForDelivery(id, ({ status }) => status === "Succeeded");
	const arrived = new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
	expect(before.filter((id) => !arrived.has(id))).toEqual([]);
});
