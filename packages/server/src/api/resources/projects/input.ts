// What a request says about a project, as the engine's settings.
import type { z } from "@hono/zod-openapi";

import type { ProjectSettings } from "../../../engine/calls.ts";
import type { updateProjectSchema } from "./schemas.ts";

type Changes = { -readonly [Key in keyof ProjectSettings]?: ProjectSettings[Key] };

/** What a PATCH changes: what is left out stays, and null leaves a time to the server's settings. */
export function projectChanges(input: z.infer<typeof updateProjectSchema>): Changes {
	const { name, eventTypes, retentionDays, payloadRetentionDays } = input;
	const changes: Changes = {};
	if (name !== undefined) changes.name = name;
	if (eventTypes !== undefined) changes.eventTypes = eventTypes;
	if (retentionDays !== undefined) changes.retentionDays = retentionDays;
	if (payloadRetentionDays !== undefined) changes.payloadRetentionDays = payloadRetentionDays;
	return changes;
}
