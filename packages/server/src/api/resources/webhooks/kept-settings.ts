// What a webhook may keep although no new one may have it: texts and subscriptions that were stored when the rules allowed more.
import { z } from "@hono/zod-openapi";

import { NAME_MAX_LENGTH, type Webhook } from "../../../core/webhook.ts";
import { checkNewValues, keepsEventType, keepsNames } from "../common/kept-values.ts";
import { nameText } from "../common/schemas.ts";
import { newTexts, type UpdateWebhook } from "./schemas.ts";

/** What is new in an update must be as in a new webhook. */
const newInWebhookSchema = z.object({
	name: nameText(NAME_MAX_LENGTH).optional(),
	spec: z.object(newTexts).optional(),
});

const EVENT_TYPES = "spec.eventTypes.";
const METADATA = "spec.metadata.";

/** Throws `invalid_request` if an update gives a webhook what only one that has it already may have. */
export function checkWebhookUpdate(update: UpdateWebhook, stored: () => Promise<Webhook>): Promise<void> {
	const { name, spec = {} } = update;
	return checkNewValues(newInWebhookSchema, update, stored, (path, webhook) => {
		if (path === "name") return name === webhook.name;
		if (path === "spec.description") return spec.description === webhook.description;
		if (path.startsWith(METADATA)) return keepsNames(path.slice(METADATA.length), spec.metadata, webhook.metadata);
		return keepsEventType(path, EVENT_TYPES, spec.eventTypes, webhook.eventTypes);
	});
}
