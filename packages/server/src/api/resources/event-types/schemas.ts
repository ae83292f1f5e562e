// Event types on the wire.
import { z } from "@hono/zod-openapi";

import { EVENT_TYPE_DESCRIPTION_MAX_LENGTH, EVENT_TYPE_VISIBILITIES, ownTypeIssue } from "../../../core/event-type.ts";
import { EVENT_TYPE_MAX_LENGTH, EVENT_TYPE_PATTERN } from "../../../core/event.ts";
import { EVENT_TYPE_FILTER_PATTERN } from "../../../core/webhook.ts";
import { schemaForms } from "../../request/body/expected-form.ts";
import { list, shortText } from "../common/bounded.ts";
import type { TextRules } from "../common/characters.ts";
import { addDuplicateIssues, pageQuery, revisionIn, revisionOut, text, timeOut } from "../common/schemas.ts";

const MAX_FILTER_ENTRIES = 100;

/** The name of an event type, such as `user.created`. */
export const eventTypeName = shortText(EVENT_TYPE_MAX_LENGTH)
	.regex(EVENT_TYPE_PATTERN, "must be groups of letters, digits, _ and - joined by full stops, such as user.created")
	.openapi({ example: "user.created" });

/** A filter by event type: a list of exact names and of prefixes such as `order.*`. */
export const eventTypeList = list(
	shortText(EVENT_TYPE_MAX_LENGTH).regex(EVENT_TYPE_FILTER_PATTERN, {
		error: ({ input }) =>
			"must be a type such as user.created, or a prefix such as user.*" +
			(input === "*" ? "; for all types, omit the list or send null" : ""),
	}),
	{ min: 1, max: MAX_FILTER_ENTRIES },
).superRefine(addDuplicateIssues);

/** What a webhook is subscribed to: such a list, whose entries ask for no own events that do not exist. */
export const subscribedTypes = eventTypeList.superRefine((entries, context) => {
	for (const [index, entry] of entries.entries()) {
		const message = ownTypeIssue(entry);
		if (message !== null) context.addIssue({ code: "custom", path: [index], message });
	}
});

const descriptionOf = (rules: TextRules) =>
	text(0, EVENT_TYPE_DESCRIPTION_MAX_LENGTH, { ...rules, lines: true })
		.nullish()
		.openapi({ description: "What an event of this type means, for those who receive it." });

const settings = {
	description: descriptionOf({ stored: true }),
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
	visibility: z
		.enum(EVENT_TYPE_VISIBILITIES)
		.nullish()
		.openapi({
			description:
				"`internal`: events of this type reach only webhooks without a customer, whatever the filters of others are, and no " +
				"customer sees them or their type, earlier ones included. Defaults to `public`.",
		}),
};

export const eventTypeSettingsSchema = z.strictObject(settings).openapi("EventTypeSettings");
export const updateEventTypeSchema = z
	.strictObject({ ...settings, revision: revisionIn.optional() })
	.openapi("UpdateEventType");
export const createEventTypeSchema = z
	.strictObject({ name: eventTypeName, ...settings, description: descriptionOf({}) })
	.openapi("CreateEventType");
/** What is new in an update must be as in a new event type. */
export const newInEventTypeSchema = z.object({ description: descriptionOf({}) });

export const eventTypeSchema = z
	.object({
		id: z.string().openapi({ description: "The same as `name`." }),
		object: z.literal("eventType"),
		projectId: z.string(),
		name: z.string().openapi({ description: "Unique in the project." }),
		description: z
			.string()
			.nullable()
			.openapi({ description: "What an event of this type means; null if nobody has said so." }),
		schema: z
			.record(z.string(), z.unknown())
			.nullable()
			.openapi({ description: "The JSON Schema of `data`; null if any data is accepted." }),
		example: z.unknown().openapi({ description: "An example of `data`; null if there is none." }),
		archived: z
			.boolean()
			.openapi({ description: "True if a `catalogued` project accepts no new events of this type." }),
		visibility: z
			.enum(EVENT_TYPE_VISIBILITIES)
			.openapi({ description: "`internal` if no customer gets or sees events of this type." }),
		createDate: timeOut,
		updateDate: timeOut,
		revision: revisionOut,
	})
	.openapi("EventType", {
		example: {
			id: "user.created",
			object: "eventType",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			name: "user.created",
			description: "An account was created.",
			schema: { type: "object", required: ["id"], properties: { id: { type: "integer" } } },
			example: { id: 4711 },
			archived: false,
			visibility: "public",
			createDate: 1_723_633_671_620,
			updateDate: 1_723_736_909_980,
			revision: 7,
		},
	});

export const eventTypeQuerySchema = z.strictObject({
	...pageQuery,
	archived: z
		.enum(["true", "false"])
		.optional()
		.openapi({ description: "`true`: only archived event types. `false`: only the others. Defaults to all." }),
});
