// Reads the bodies about event types. Schema and example are stored exactly as they were written.
import type { z } from "@hono/zod-openapi";

import { invalidRequest } from "../../../core/errors.ts";
import { MAX_EXAMPLE_BYTES, MAX_SCHEMA_BYTES } from "../../../core/event-type.ts";
import type { EventTypePatch, EventTypeSettings } from "../../../engine/calls.ts";
import { MANAGEMENT_MAX_BYTES } from "../../request/body/body-rule.ts";
import type { JsonBody } from "../../request/body/json-body.ts";
import { validate } from "../../request/body/validate.ts";
import type { BodyRule } from "../../request/route.ts";
import { createEventTypeSchema, eventTypeSettingsSchema, updateEventTypeSchema } from "./schemas.ts";

type Patch = { -readonly [Key in keyof EventTypeSettings]?: EventTypeSettings[Key] };

const EXAMPLE = {
	description: "An account was created.",
	schema: {
		type: "object",
		required: ["id"],
		properties: { id: { type: "integer" }, plan: { enum: ["free", "pro"] } },
	},
	example: { id: 4711, plan: "pro" },
};
const TEXT_MEMBERS = ["schema", "example"];
const DEFAULTS: EventTypeSettings = {
	description: null,
	schemaJson: null,
	exampleJson: null,
	archived: false,
	visibility: "public",
};

/** A new event type, with its name. */
export const createBody: BodyRule<{ name: string; settings: EventTypeSettings }> = {
	schema: createEventTypeSchema,
	example: { name: "user.created", ...EXAMPLE },
	maxBytes: MANAGEMENT_MAX_BYTES,
	textMembers: TEXT_MEMBERS,
	read(json) {
		const { name, ...values } = validate(createEventTypeSchema, json.value);
		return { name, settings: { ...DEFAULTS, ...readPatch(json, values) } };
	},
};

/** All settings of an event type. A setting that is omitted gets its default. */
export const replaceBody: BodyRule<EventTypeSettings> = {
	schema: eventTypeSettingsSchema,
	example: EXAMPLE,
	maxBytes: MANAGEMENT_MAX_BYTES,
	textMembers: TEXT_MEMBERS,
	read: (json) => ({ ...DEFAULTS, ...readPatch(json, validate(eventTypeSettingsSchema, json.value)) }),
};

/** A change of some settings. A setting that is omitted does not change; null sets the default. */
export const patchBody: BodyRule<EventTypePatch> = {
	schema: updateEventTypeSchema,
	example: { archived: true },
	maxBytes: MANAGEMENT_MAX_BYTES,
	textMembers: TEXT_MEMBERS,
	read(json) {
		const { revision, ...values } = validate(updateEventTypeSchema, json.value);
		const patch = readPatch(json, values);
		return revision === undefined ? patch : { ...patch, revision };
	},
};

function readPatch(json: JsonBody, values: z.infer<typeof eventTypeSettingsSchema>): Patch {
	const patch: Patch = {};
	const schemaJson = textOf(json, "schema", MAX_SCHEMA_BYTES);
	const exampleJson = textOf(json, "example", MAX_EXAMPLE_BYTES);
	if (values.description !== undefined) patch.description = values.description;
	if (schemaJson !== undefined) patch.schemaJson = schemaJson;
	if (exampleJson !== undefined) patch.exampleJson = exampleJson;
	if (values.archived !== undefined) patch.archived = values.archived ?? false;
	if (values.visibility !== undefined) patch.visibility = values.visibility ?? "public";
	return patch;
}

/**
 * A member as it was written: null for null, undefined if it is omitted. Throws `invalid_request` if it is too large.
 */
function textOf(json: JsonBody, name: string, maxBytes: number): string | null | undefined {
	const span = json.members.find((member) => member.name === name);
	if (span === undefined) return undefined;
	const text = json.text.slice(span.start, span.end);
	const bytes = Buffer.byteLength(text);
	if (bytes > maxBytes) {
		throw invalidRequest([{ path: name, message: `must be at most ${maxBytes} bytes as JSON, got ${bytes}` }]);
	}
	return text === "null" ? null : text;
}
