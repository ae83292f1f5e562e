// Projects on the wire.
import { z } from "@hono/zod-openapi";

import { EVENT_TYPE_POLICIES } from "../../../core/event-type.ts";
import { MAX_RETENTION_DAYS } from "../../../core/policies/retention.ts";
import { NAME_MAX_LENGTH } from "../../../core/webhook.ts";
import { integer, nameText, timeOut } from "../common/schemas.ts";

const eventTypePolicy = z.enum(EVENT_TYPE_POLICIES).openapi({
	description:
		"`open`: events of any type are accepted. `catalogued`: only events of the project's event types, with data " +
		"that matches their schemas.",
});

const retentionDays = integer(0, MAX_RETENTION_DAYS).openapi({
	description:
		"Days after which an event is deleted with its deliveries and attempts, unless a delivery still waits. 0 means " +
		"never. Null means the server's default.",
});
const payloadRetentionDays = integer(0, MAX_RETENTION_DAYS).openapi({
	description:
		"Days after which an event's payload and the stored responses of receivers are deleted. 0 means together with " +
		"the event. Null means the server's default.",
});

export const projectSchema = z
	.object({
		id: z.string(),
		object: z.literal("project"),
		name: z.string(),
		workspaceId: z.string(),
		type: z.literal("webhooks"),
		createDate: timeOut,
		localization: z.literal("local"),
		tags: z.array(z.string()),
		groups: z.array(z.string()),
		statistic: z
			.object({
				tagsCount: z.array(z.unknown()),
				totalAssets: z.int(),
				annotatedAssets: z.int(),
				totalAnnotations: z.int(),
			})
			.openapi({
				description: "Always zero, since Fanfare has no assets. The Nexus command line reads these numbers.",
			}),
		eventTypes: eventTypePolicy.optional().openapi({ description: "Present only if it is `catalogued`." }),
		retentionDays: retentionDays.optional().openapi({ description: "Present only if set for this project." }),
		payloadRetentionDays: payloadRetentionDays
			.optional()
			.openapi({ description: "Present only if set for this project." }),
	})
	.openapi("Project");

export const projectNameSchema = z
	.strictObject({ name: nameText(NAME_MAX_LENGTH).openapi({ example: "My project" }) })
	.openapi("ProjectName");

export const updateProjectSchema = z
	.strictObject({
		name: nameText(NAME_MAX_LENGTH).optional().openapi({ example: "My project" }),
		eventTypes: eventTypePolicy.optional(),
		retentionDays: retentionDays.nullish(),
		payloadRetentionDays: payloadRetentionDays.nullish(),
	})
	.openapi("UpdateProject");
