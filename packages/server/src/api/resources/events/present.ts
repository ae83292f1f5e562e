// Events as responses show them.
import type { z } from "@hono/zod-openapi";

import type { Event } from "../../../core/event.ts";
import type { eventSchema } from "./schemas.ts";

export function presentEvent(event: Event, duplicate: boolean): z.infer<typeof eventSchema> {
	const { id, projectId, type, timestamp, createDate, deliveryCount } = event;
	return { id, object: "event", projectId, type, timestamp, createDate, duplicate, deliveryCount };
}
