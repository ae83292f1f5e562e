// Replays as responses show them.
import type { z } from "@hono/zod-openapi";

import { replayProgress, type ReplayNow } from "../../../core/replay.ts";
import type { ReplayEstimate } from "../../../engine/calls.ts";
import type { replayEstimateSchema, replaySchema } from "./schemas.ts";

export function presentReplay(replay: ReplayNow): z.infer<typeof replaySchema> {
	const { filter } = replay;
	return {
		id: replay.id,
		object: "replay",
		projectId: replay.projectId,
		webhookId: replay.webhookId,
		...(replay.customerId !== null && { customerId: replay.customerId }),
		status: replay.status,
		...(replay.waitingFor !== null && { waitingFor: replay.waitingFor }),
		since: filter.since,
		until: filter.until,
		chosenCount: replay.chosenCount,
		outcomes: [...filter.outcomes],
		eventTypes: filter.eventTypes && [...filter.eventTypes],
		missedEventTypes: filter.missedEventTypes && [...filter.missedEventTypes],
		scannedCount: replay.scannedCount,
		deliveryCount: replay.deliveryCount,
		progress: replayProgress(replay),
		createDate: replay.createDate,
		updateDate: replay.updateDate,
		endDate: replay.endDate,
	};
}

export function presentEstimate({ count, complete, until }: ReplayEstimate): z.infer<typeof replayEstimateSchema> {
	return { object: "replayEstimate", count, complete, until };
}
