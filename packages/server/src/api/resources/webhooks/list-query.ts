// The queries of the list of webhooks and of its export.
import { z } from "@hono/zod-openapi";

import { HEALTH_STATES } from "../../../core/policies/webhook-health.ts";
import { WEBHOOK_STATUSES } from "../../../core/webhook.ts";
import { wordsParameter } from "../common/lists.ts";
import { customerIdText, pageQuery, stringMap, text } from "../common/schemas.ts";
import { eventTypeName } from "../event-types/schemas.ts";
import { formatParameter } from "../exports/export-route.ts";
import { metadataEntry, webhookKeyText } from "./schemas.ts";

const SEARCH_MAX_LENGTH = 128;
const MAX_METADATA_FILTERS = 10;

/** In the document, the parameters are the properties of one object. Its type does not know the keyword. */
const METADATA_PARAMETERS = { propertyNames: { pattern: "^metadata\\." } };

/** The filters of lists and exports. */
const filterQuery = {
	// It must find names that were stored before such characters were refused.
	q: text(1, SEARCH_MAX_LENGTH, { stored: true }).optional().openapi({
		description:
			"Only webhooks whose name, description, host or key contains this text, in any case of letters, or whose id it is.",
	}),
	status: wordsParameter(WEBHOOK_STATUSES, "Only webhooks with one of these statuses").optional(),
	health: wordsParameter(HEALTH_STATES, "Only webhooks with one of these states of health").optional(),
	customerId: customerIdText.optional().openapi({ description: "Only webhooks of this customer." }),
	key: webhookKeyText.optional().openapi({ description: "Only the webhook with this key, if there is one." }),
	eventType: eventTypeName.optional().openapi({
		description:
			"Only webhooks that get events of this type, if the events are for their customers: those whose `eventTypes` let it through.",
	}),
	metadata: stringMap({ maxEntries: MAX_METADATA_FILTERS, ...metadataEntry({ stored: true }) })
		.optional()
		.openapi({
			param: { in: "query", name: "metadata", style: "form", explode: true },
			...METADATA_PARAMETERS,
			description: `Only webhooks with these entries in their metadata: \`metadata.team=a&metadata.area=b\`, up to ${MAX_METADATA_FILTERS}.`,
			example: { "metadata.team": "a" },
		}),
};

export const webhooksQuerySchema = z.strictObject({ ...pageQuery, ...filterQuery });

export const webhookExportQuerySchema = z.strictObject({ ...filterQuery, format: formatParameter });
