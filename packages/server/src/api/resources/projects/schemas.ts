// Projects on the wire.
import { z } from "@hono/zod-openapi";

import { EVENT_TYPE_POLICIES } from "../../../core/event-type.ts";
import { HIGHEST_CUSTOMER_LIMITS } from "../../../core/policies/customer-limits.ts";
import { HIGHEST_EVENTS_PER_SECOND, HIGHEST_STORED_BYTES } from "../../../core/policies/quota.ts";
import { MAX_RETENTION_DAYS } from "../../../core/policies/retention.ts";
import { NAME_MAX_LENGTH } from "../../../core/webhook.ts";
import { shortText } from "../common/bounded.ts";
import { integer, nameText, pageQuery, revisionIn, timeOut } from "../common/schemas.ts";

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

const maxEventsPerSecond = integer(0, HIGHEST_EVENTS_PER_SECOND).openapi({
	description:
		"Events that the project may send in a second, on average; it may send those of five seconds at once. Sends beyond it are " +
		"refused with 429 (`event_rate_exceeded`). 0 means no quota. Null means the server's setting.",
});
const maxStoredBytes = integer(0, HIGHEST_STORED_BYTES).openapi({
	description:
		"Bytes that the project may have stored. Sends beyond it, and retries by hand, are refused with 429 (`stored_bytes_exceeded`). 0 means " +
		"the server's rule for a volume that is nearly full, and no other quota. Null means the server's setting.",
});

const { maxWebhooksPerCustomer, maxReplaysPerCustomer, maxStreamsPerCustomer, maxTestsPerCustomer } =
	HIGHEST_CUSTOMER_LIMITS;
/** How much each customer of the project may have at once. */
const customerLimits = {
	maxWebhooksPerCustomer: integer(1, maxWebhooksPerCustomer).openapi({
		description:
			"Webhooks that each customer may have. Further ones are refused with 409 (`too_many_webhooks`). Null means the server's setting.",
	}),
	maxReplaysPerCustomer: integer(1, maxReplaysPerCustomer).openapi({
		description:
			"Replays to the webhooks of each customer that may run at once. Further ones are refused with 409 (`too_many_replays`). " +
			"Null means the server's setting.",
	}),
	maxStreamsPerCustomer: integer(1, maxStreamsPerCustomer).openapi({
		description:
			"Live streams that each customer may have open. Further ones are refused with 503 (`too_many_streams`). Null means the " +
			"server's setting.",
	}),
	maxTestsPerCustomer: integer(1, maxTestsPerCustomer).openapi({
		description:
			"Tests of each customer's webhooks that may be under way. Further ones are refused with 503 (`overloaded`). Null means the " +
			"server's setting.",
	}),
};
const OF_NEXUS = { description: "A field of Nexus, always the same here." };
const ALWAYS_ZERO = { description: "Always 0." };
const SET = { description: "Present only if set for this project." };

export const projectSchema = z
	.object({
		id: z.string(),
		object: z.literal("project"),
		name: z.string(),
		workspaceId: z.string().openapi({ description: "The workspace that it belongs to." }),
		type: z.literal("webhooks").openapi(OF_NEXUS),
		createDate: timeOut,
		localization: z.literal("local").openapi(OF_NEXUS),
		tags: z.array(z.string()).openapi(OF_NEXUS),
		groups: z.array(z.string()).openapi(OF_NEXUS),
		statistic: z
			.object({
				tagsCount: z.array(z.unknown()).openapi({ description: "Always empty." }),
				totalAssets: z.int().openapi(ALWAYS_ZERO),
				annotatedAssets: z.int().openapi(ALWAYS_ZERO),
				totalAnnotations: z.int().openapi(ALWAYS_ZERO),
			})
			.openapi({
				description: "Always zero, since Fanfare has no assets. The Nexus command line reads these numbers.",
			}),
		eventTypes: eventTypePolicy.optional().openapi({ description: "Present only if it is `catalogued`." }),
		retentionDays: retentionDays.optional().openapi({ description: "Present only if set for this project." }),
		payloadRetentionDays: payloadRetentionDays
			.optional()
			.openapi({ description: "Present only if set for this project." }),
		maxEventsPerSecond: maxEventsPerSecond.optional().openapi({ description: "Present only if set for this project." }),
		maxStoredBytes: maxStoredBytes.optional().openapi({ description: "Present only if set for this project." }),
		maxWebhooksPerCustomer: customerLimits.maxWebhooksPerCustomer.optional().openapi(SET),
		maxReplaysPerCustomer: customerLimits.maxReplaysPerCustomer.optional().openapi(SET),
		maxStreamsPerCustomer: customerLimits.maxStreamsPerCustomer.optional().openapi(SET),
		maxTestsPerCustomer: customerLimits.maxTestsPerCustomer.optional().openapi(SET),
		revision: z.int().optional().openapi({
			description: "Rises with each change of these settings. Present from the first change on; until then it is 1.",
			example: 7,
		}),
	})
	.openapi("Project", {
		example: {
			id: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			object: "project",
			name: "My project",
			workspaceId: "ws_1c8aab980f174b0296c7e35e88665b13",
			type: "webhooks",
			createDate: 1_701_927_649_302,
			localization: "local",
			tags: [],
			groups: [],
			statistic: { tagsCount: [], totalAssets: 0, annotatedAssets: 0, totalAnnotations: 0 },
			eventTypes: "catalogued",
			retentionDays: 90,
			revision: 7,
		},
	});

export const projectUsageSchema = z
	.object({
		object: z.literal("projectUsage"),
		storedBytes: z.int().openapi({
			description:
				"About how many bytes the project's events, deliveries and attempts take: their bodies and records, their tags, " +
				"idempotency keys and customers, and a fixed number " +
				"for each event and each delivery.",
			example: 1_834_201,
		}),
		maxEventsPerSecond: z.int().openapi({
			description: "The quota that applies, the project's own or the server's; 0 means none.",
			example: 100,
		}),
		maxStoredBytes: z
			.int()
			.openapi({ description: "The quota that applies, the project's own or the server's; 0 means none.", example: 0 }),
		maxChangesPerMinute: z.int().openapi({
			description:
				"Changes that may be made in the project in a minute with its keys, on average; its customers may make as many again, all of them " +
				"together, and so may keys of the workspace. A setting of the server; 0 means no quota.",
			example: 1_800,
		}),
		maxChangesPerMinutePerCustomer: z.int().openapi({
			description:
				"Changes that each customer of the project may make in a minute, on average. A setting of the server; 0 means no quota.",
			example: 30,
		}),
		serverSettings: z
			.object({
				retentionDays: z.int().openapi({ description: "Days that events are kept; 0 for ever." }),
				payloadRetentionDays: z
					.int()
					.openapi({ description: "Days that payloads are kept; 0 for as long as their event." }),
				maxEventsPerSecond: z.int().openapi({ description: "Events per second; 0 for no quota." }),
				maxStoredBytes: z.int().openapi({ description: "Stored bytes; 0 for no quota." }),
				maxWebhooksPerCustomer: z.int().openapi({ description: "Webhooks of each customer." }),
				maxReplaysPerCustomer: z.int().openapi({ description: "Replays of each customer at once." }),
				maxStreamsPerCustomer: z.int().openapi({ description: "Live streams of each customer." }),
				maxTestsPerCustomer: z.int().openapi({ description: "Tests of each customer under way." }),
			})
			.openapi("ServerSettings", {
				description: "The server's settings. Each applies while the project has not set its own.",
				example: {
					retentionDays: 30,
					payloadRetentionDays: 0,
					maxEventsPerSecond: 0,
					maxStoredBytes: 0,
					maxWebhooksPerCustomer: 50,
					maxReplaysPerCustomer: 2,
					maxStreamsPerCustomer: 5,
					maxTestsPerCustomer: 2,
				},
			}),
	})
	.openapi("ProjectUsage");

export const projectNameSchema = z
	.strictObject({ name: nameText(NAME_MAX_LENGTH).openapi({ example: "My project" }) })
	.openapi("ProjectName");

export const updateProjectSchema = z
	.strictObject({
		name: nameText(NAME_MAX_LENGTH, { stored: true }).optional().openapi({ example: "My project" }),
		eventTypes: eventTypePolicy.optional(),
		retentionDays: retentionDays.nullish(),
		payloadRetentionDays: payloadRetentionDays.nullish(),
		maxEventsPerSecond: maxEventsPerSecond.nullish(),
		maxStoredBytes: maxStoredBytes.nullish(),
		maxWebhooksPerCustomer: customerLimits.maxWebhooksPerCustomer.nullish(),
		maxReplaysPerCustomer: customerLimits.maxReplaysPerCustomer.nullish(),
		maxStreamsPerCustomer: customerLimits.maxStreamsPerCustomer.nullish(),
		maxTestsPerCustomer: customerLimits.maxTestsPerCustomer.nullish(),
		revision: revisionIn.optional(),
	})
	.openapi("UpdateProject");

/** What is new in an update must be as in a new project. */
export const newInProjectSchema = z.object({ name: nameText(NAME_MAX_LENGTH).optional() });

export const projectQuerySchema = z.strictObject({
	...pageQuery,
	q: shortText(NAME_MAX_LENGTH)
		.optional()
		.openapi({ description: "Only projects whose id or name contains this text, in upper or lower case." }),
});
