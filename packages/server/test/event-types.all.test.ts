// The thread of a server that checks by schemas: when it is started.
import { readdirSync, readFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

/** Whether a process has the thread that checks by schemas. */
function hasSchemaThread({ pid }: ServerProcess): boolean {
	const folder = `/proc/${pid}/task`;
	return readdirSync(folder).some((id) => {
		try {
			return readFileSync(`${folder}/${id}/comm`, "utf8").trim() === "fanfare-schemas";
		} catch {
			// It has ended since.
			return false;
		}
	});
}

it.skipIf(process.platform !== "linux")(
	"is started with the first schema that is stored, and with a server that has one, before any send",
	async () => {
		await using server = await startServerProcess();
		const hasThread = () => hasSchemaThread(server);
		await server.project.eventTypes.create({ name: "a.b" });
		await server.client.projects.update(server.projectId, { eventTypes: "catalogued" });
		await server.stop();
		await server.restart();
		await server.project.events.send({ type: "a.b", data: 1 });
		expect(hasThread()).toBe(false);
		await server.project.eventTypes.put("a.c", { schema: { type: "object" } });
		expect(hasThread()).toBe(true);
		await server.stop();
		await server.restart();
		await eventually("the thread to be started", hasThread);
	},
);
