// A replay of nearly all of the big log to one webhook.
import type { Replay } from "@fanfare/sdk";

import type { BenchServer } from "../server/bench-server.ts";
import type { PreparedStore } from "./store-copy.ts";

/** Starts the replay and returns its id. Most of its events were never delivered to the webhook. */
export async function beginReplay(server: BenchServer, { projectId, webhookIds }: PreparedStore): Promise<string> {
	const [webhookId = ""] = webhookIds;
	const { webhooks } = server.client.project(projectId).batch;
	const status = ["Succeeded", "Failed", "Cancelled", "Missed"] as const;
	const { id } = await webhooks.replay(webhookId, { since: 0, status: [...status] });
	return id;
}

export function replayNow(server: BenchServer, { projectId }: PreparedStore, replayId: string): Promise<Replay> {
	return server.client.project(projectId).replays.get(replayId);
}
