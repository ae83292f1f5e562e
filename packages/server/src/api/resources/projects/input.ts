// Reads a change of a project, in the form that the engine takes.
import type { z } from "@hono/zod-openapi";

import type { ProjectPatch } from "../../../core/workspace.ts";
import type { updateProjectSchema } from "./schemas.ts";

type Changes = { -readonly [Key in keyof ProjectPatch]: ProjectPatch[Key] };

/**
 * The changes of a PATCH. A field that is omitted does not change; null sets a retention, a quota or a limit of customers to the
 * server's setting.
 */
export function projectChanges(input: z.infer<typeof updateProjectSchema>): Changes {
	const { name, eventTypes, retentionDays, payloadRetentionDays, maxEventsPerSecond, maxStoredBytes } = input;
	const changes: Changes = {};
	if (name !== undefined) changes.name = name;
	if (eventTypes !== undefined) changes.eventTypes = eventTypes;
	if (retentionDays !== undefined) changes.retentionDays = retentionDays;
	if (payloadRetentionDays !== undefined) changes.payloadRetentionDays = payloadRetentionDays;
	if (maxEventsPerSecond !== undefined) changes.maxEventsPerSecond = maxEventsPerSecond;
	if (maxStoredBytes !== undefined) changes.maxStoredBytes = maxStoredBytes;
	const { maxWebhooksPerCustomer, maxReplaysPerCustomer, maxStreamsPerCustomer, maxTestsPerCustomer } = input;
	if (maxWebhooksPerCustomer !== undefined) changes.maxWebhooksPerCustomer = maxWebhooksPerCustomer;
	if (maxReplaysPerCustomer !== undefined) changes.maxReplaysPerCustomer = maxReplaysPerCustomer;
	if (maxStreamsPerCustomer !== undefined) changes.maxStreamsPerCustomer = maxStreamsPerCustomer;
	if (maxTestsPerCustomer !== undefined) changes.maxTestsPerCustomer = maxTestsPerCustomer;
	if (input.revision !== undefined) changes.revision = input.revision;
	return changes;
}
