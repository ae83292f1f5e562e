// Event types on the wire.
import { z } from "@hono/zod-openapi";

import { EVENT_TYPE_DESCRIPTION_MAX_LENGTH } from "../../../core/event-type.ts";
import { EVENT_TYPE_MAX_LENGTH, EVENT_TYPE_PATTERN } from "../../../core/event.ts";
import { EVENT_TYPE_FILTER_PATTERN } from "../../../core/webhook.ts";
import { forms } from "../../request/body/expected-form.ts";
import { addDuplicateIssues, pageQuery, text, timeOut } from "../common/schemas.ts";

const MAX_FILTER_ENTRIES = 100;

/** The name of a type, as events carry it. */
export const eventTypeName = z
	.string()
	.max(EVENT_TYPE_MAX_LENGTH)
	.regex(EVENT_TYPE_PATTERN, "must be groups of letters, digits, _ and - joined by full stops, such as user.created")
	.openapi({ example: "user.created" });

/** A filter by event type: a list of exact names and of prefixes such as `order.*`. */
export const eventTypeList = z
	.array(
		z
			.string()
			.max(EVENT_TYPE_MAX_LENGTH)
			.regex(EVENT_TYPE_FILTER_PATTERN, "must be a type such as user.created, or a prefix such as user.*"),
	)
	.min(1)
	.max(MAX_FILTER_ENTRIES)
	.superRefine(addDuplicateIssues);

const settings = {
	description: text(0, EVENT_TYPE_DESCRIPTION_MAX_LENGTH, { lines: true })
		.nullish()
		.openapi({ description: "What it tells, for those who receive it." }),
	schema: z
		.record(z.string(), z.unknown())
		.register(forms, { form: '{"type": "object"}' })
		.nullish()
		.openapi({
			description:
				"JSON Schema draft 2020-12 of `data`, at most 64 KiB. Left out or null: any data. Unknown keywords and formats are " +
				"refused, formats are enforced, and references to other places are never fetched.",
			example: { type: "object", required: ["id"], properties: { id: { type: "integer" } } },
		}),
	example: z
		.unknown()
		.optional()
		.openapi({
			description:
				"An example of `data`, at most 64 KiB, that fits the schema; what tests of webhooks send. Null: none.",
			example: { id: 4711 },
		}),
	archived: z
		.boolean()
		.nullish()
		.openapi({ description: "No new events of this type in a catalogued project. It stays in the catalogue." }),
};

export const eventTypeSettingsSchema = z.strictObject(settings).openapi("EventTypeSettings");
export const createEventTypeSchema = z.strictObject({ name: eventTypeName, ...settings }).openapi("CreateEventType");

export const eventTypeSchema = z
	.object({
		id: z.string().openapi({ description: "The same as `name`." }),
		object: z.literal("eventType"),
		projectId: z.string(),
		name: z.string().openapi({ description: "Unique in the project." }),
		description: z.string().nullable(),
		schema: z.record(z.string(), z.unknown()).nullable(),
		example: z.unknown(),
		archived: z.boolean(),
		createDate: timeOut,
		updateDate: timeOut,
	})
	.openapi("EventType");

export const eventTypeQuerySchema = z.strictObject({
	...pageQuery,
	archived: z
		.enum(["true", "false"])
		.optional()
		.openapi({ description: "Only archived ones, or only others. Left out: all." }),
});
