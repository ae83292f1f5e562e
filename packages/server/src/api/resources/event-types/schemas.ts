// Event types on the wire.
import { z } from "@hono/zod-openapi";

import { EVENT_TYPE_DESCRIPTION_MAX_LENGTH } from "../../../core/event-type.ts";
import { EVENT_TYPE_MAX_LENGTH, EVENT_TYPE_PATTERN } from "../../../core/event.ts";
import { EVENT_TYPE_FILTER_PATTERN } from "../../../core/webhook.ts";
import { schemaForms } from "../../request/body/expected-form.ts";
import { addDuplicateIssues, pageQuery, revisionIn, revisionOut, text, timeOut } from "../common/schemas.ts";

const MAX_FILTER_ENTRIES = 100;

/** The name of an event type, such as `user.created`. */
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
		.openapi({ description: "What an event of this type means, for those who receive it." }),
	schema: z
		.record(z.string(), z.unknown())
		.register(schemaForms, { form: '{"type": "object"}' })
		.nullish()
		.openapi({
			description:
				"A JSON Schema (draft 2020-12) for `data`, at most 64 KiB. Any data is accepted if it is omitted or null. " +
				"Unknown keywords and formats are refused, formats are checked, and references to other documents are never " +
				"fetched.",
			example: { type: "object", required: ["id"], properties: { id: { type: "integer" } } },
		}),
	example: z
		.unknown()
		.optional()
		.openapi({
			description:
				"An example of `data` that matches the schema, at most 64 KiB. Tests of webhooks send it. Defaults to none.",
			example: { id: 4711 },
		}),
	archived: z.boolean().nullish().openapi({
		description:
			"If true, a `catalogued` project accepts no new events of this type. The type stays in the list. Defaults to false.",
	}),
};

export const eventTypeSettingsSchema = z.strictObject(settings).openapi("EventTypeSettings");
export const updateEventTypeSchema = z
	.strictObject({ ...settings, revision: revisionIn.optional() })
	.openapi("UpdateEventType");
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
		revision: revisionOut,
	})
	.openapi("EventType");

export const eventTypeQuerySchema = z.strictObject({
	...pageQuery,
	archived: z
		.enum(["true", "false"])
		.optional()
		.openapi({ description: "`true`: only archived event types. `false`: only the others. Defaults to all." }),
});
