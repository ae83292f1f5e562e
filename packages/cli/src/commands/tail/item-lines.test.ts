// The names of webhooks in the lines of `fanfare tail`.
import { Client } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { ItemLines } from "./item-lines.ts";

const ITEM = {
	object: "streamItem",
	kind: "webhook.updated",
	id: "1",
	projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
	date: 0,
	webhookId: "webhook_1",
	status: "Paused",
	reason: null,
} as const;

/** Lines of a project whose server gives these responses to the questions for a webhook, one after the other. */
function linesWith(...responses: (() => Response)[]) {
	const asked = { count: 0 };
	const fetch = async () => {
		asked.count++;
		const response = responses.shift();
		if (response === undefined) throw new Error("asked too often");
		return response();
	};
	const client = new Client("sk_test", { endpoint: "http://fanfare.test", maxRetries: 0, fetch });
	return { lines: new ItemLines(client.project("proj_ca5fe71e7592bbcf7705ea36e4f29ed4")), asked };
}

const named = () => Response.json({ id: "webhook_1", object: "webhook", name: "billing", retries: {} });
const refused = (status: number, code: string) => () =>
	Response.json({ message: "No.", code, requestId: "req_1" }, { status });

it("asks again for the name of a webhook after a failure, such as while the server starts again", async () => {
	const { lines, asked } = linesWith(
		() => {
			throw new Error("no connection");
		},
		refused(503, "shutting_down"),
		named,
	);
	expect(await lines.line(ITEM)).toContain("webhook webhook_1 is Paused");
	expect(await lines.line(ITEM)).toContain("webhook webhook_1 is Paused");
	expect(await lines.line(ITEM)).toContain("webhook billing is Paused");
	expect(await lines.line(ITEM)).toContain("webhook billing is Paused");
	expect(asked.count).toBe(3);
});

it("asks once for one that does not exist any more", async () => {
	const { lines, asked } = linesWith(refused(404, "webhook_not_found"));
	for (let times = 0; times < 2; times++) expect(await lines.line(ITEM)).toContain("webhook webhook_1 is Paused");
	expect(asked.count).toBe(1);
});

it("says that a replay waits for the quota of stored bytes, and no more when it goes on", async () => {
	const { lines } = linesWith(named);
	const { object, id, projectId, date, webhookId } = ITEM;
	const item = { object, id, projectId, date, webhookId, kind: "replay.updated", replayId: "replay_1" } as const;
	const progress = { status: "Running", scannedCount: 3, deliveryCount: 2, progress: 0.5 } as const;
	const waiting = await lines.line({ ...item, ...progress, waitingFor: "storedBytes" });
	expect(waiting).toContain("Running, 50 %, 2 deliveries, waits for room in the quota of stored bytes");
	expect(await lines.line({ ...item, ...progress })).not.toContain("waits");
});
