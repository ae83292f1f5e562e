// The filters of deliveries, in queries and in bodies.
import { z } from "@hono/zod-openapi";

import { DELIVERY_STATUSES, type DeliveryStatus } from "../../../core/delivery.ts";
import { EVENT_TYPE_MAX_LENGTH } from "../../../core/event.ts";
import {
	ATTEMPT_CAUSES,
	ATTEMPT_ERRORS,
	type AttemptCause,
	type AttemptErrorName,
} from "../../../core/log/attempt-cause.ts";
import { EVENT_TYPE_FILTER_PATTERN } from "../../../core/webhook.ts";
import type { CodeRange } from "../../../ports/store/log.ts";
import { shortText } from "../common/bounded.ts";
import { listOfTexts, oneOrSeveral, type EntrySchema } from "../common/lists.ts";
import {
	customerIdText,
	idText,
	integer,
	integerParameter,
	MAX_TIME_MS,
	pageQuery,
	tagText,
	timeRangeQuery,
} from "../common/schemas.ts";
import { formatParameter } from "../exports/export-route.ts";

const MAX_RESPONSE_CODE = 999;
const MAX_CODES = 20;
const MAX_TYPES = 20;

/** One filter with several values: what an entry is, and how it is described. */
interface ListFilter<T> {
	readonly parse: (entry: unknown) => T | null;
	readonly expected: string;
	readonly max: number;
	/** The words that an entry can be; none if it can be others. */
	readonly words?: readonly string[];
	/** The longest entry. */
	readonly maxLength: number;
	readonly description: string;
	readonly entry: EntrySchema;
}

function oneOf<T extends string>(names: readonly T[], description: string): ListFilter<T> {
	return {
		parse: (entry) => names.find((name) => name === entry) ?? null,
		expected: names.join(", "),
		max: names.length,
		words: names,
		maxLength: Math.max(...names.map(({ length }) => length)),
		description,
		entry: { type: "string", enum: [...names] },
	};
}

const statuses: ListFilter<DeliveryStatus> = oneOf(DELIVERY_STATUSES, "Only deliveries in one of these statuses.");

const responseCodes: ListFilter<CodeRange> = {
	parse: (entry) => codeRange(entry),
	expected: `response codes from 0 to ${MAX_RESPONSE_CODE}, or classes such as 5xx`,
	max: MAX_CODES,
	maxLength: 3,
	description:
		"Only deliveries whose last attempt got one of these response codes: numbers, or classes such as `5xx`. 0 means no response.",
	entry: {
		anyOf: [
			{ type: "integer", minimum: 0, maximum: MAX_RESPONSE_CODE },
			{ type: "string", pattern: "^([0-9]{1,3}|[1-9]xx)$" },
		],
	},
};

const eventTypes: ListFilter<string> = {
	parse: (entry) =>
		typeof entry === "string" && entry.length <= EVENT_TYPE_MAX_LENGTH + 2 && EVENT_TYPE_FILTER_PATTERN.test(entry)
			? entry
			: null,
	expected: "names of event types, or prefixes such as order.*",
	max: MAX_TYPES,
	maxLength: EVENT_TYPE_MAX_LENGTH + 2,
	description: "Only deliveries of events of one of these types: exact names, or prefixes such as `order.*`.",
	entry: { type: "string", pattern: EVENT_TYPE_FILTER_PATTERN.source },
};

const errors: ListFilter<AttemptErrorName> = oneOf(
	ATTEMPT_ERRORS,
	"Only deliveries whose last attempt failed with one of these errors.",
);

const causes: ListFilter<AttemptCause> = oneOf(
	ATTEMPT_CAUSES,
	"Only deliveries whose last attempt failed for one of these causes.",
);

function codeRange(entry: unknown): CodeRange | null {
	const text = typeof entry === "number" ? String(entry) : entry;
	if (typeof text !== "string") return null;
	const [, digit] = /^([1-9])xx$/.exec(text) ?? [];
	if (digit !== undefined) return { from: Number(digit) * 100, to: Number(digit) * 100 + 99 };
	return /^[0-9]{1,3}$/.test(text) ? { from: Number(text), to: Number(text) } : null;
}

function inQuery<T>({ parse, expected, max, maxLength, description, words = [] }: ListFilter<T>) {
	const text = `${description} Separate several with commas.`;
	const options = { max, description: text, words, maxLength: (max + 1) * (maxLength + 1) };
	return listOfTexts(parse, expected, options).optional();
}

function inBody<T>({ parse, expected, max, description, entry, words = [] }: ListFilter<T>) {
	return oneOrSeveral(parse, `one of ${expected}`, { max, description, words, entry }).optional();
}

const WEBHOOK = "Only deliveries to this webhook.";
const EVENT = "Only deliveries of this event.";
const TAG = "Only deliveries of events with this tag.";
const CUSTOMER = "Only deliveries to webhooks of this customer.";
const UPDATED_AFTER = "Only deliveries whose `updateDate` is this time or later. Milliseconds since the epoch.";
const UPDATED_BEFORE = "Only deliveries whose `updateDate` is before this time. Milliseconds since the epoch.";

/** The filters of lists, counts and exports. */
const filterQuery = {
	webhookId: idText("webhook").optional().openapi({ description: WEBHOOK }),
	customerId: customerIdText.optional().openapi({ description: CUSTOMER }),
	eventId: idText("evt").optional().openapi({ description: EVENT }),
	tag: tagText.optional().openapi({ description: TAG }),
	eventType: inQuery(eventTypes),
	status: inQuery(statuses),
	responseCode: inQuery(responseCodes),
	error: inQuery(errors),
	cause: inQuery(causes),
	...timeRangeQuery,
	updatedAfter: integerParameter(0, MAX_TIME_MS, UPDATED_AFTER).optional(),
	updatedBefore: integerParameter(0, MAX_TIME_MS, UPDATED_BEFORE).optional(),
};

const orderParameter = z
	.enum(["created", "updated"])
	.optional()
	.openapi({
		description:
			"`created`, the default: those created last come first. `updated`: those whose status or attempts changed last come first, " +
			"without those that wait for their first attempt. It needs a `status` without Succeeded, and takes neither `eventId` nor " +
			"`after` and `before`: filter by `updatedAfter` and `updatedBefore`.",
	});

export const deliveryQuerySchema = z.strictObject({ ...pageQuery, ...filterQuery, order: orderParameter });

export const deliveryCountQuerySchema = z.strictObject(filterQuery);

export const deliveryExportQuerySchema = z.strictObject({ ...filterQuery, format: formatParameter });

const time = () => integer(0, Number.MAX_SAFE_INTEGER);

/**
 * The filters of a change of many deliveries. At least one is required, so that an empty body does not retry
 * everything.
 */
export const deliveryFilterSchema = z
	.strictObject({
		webhookId: idText("webhook").optional().openapi({ description: WEBHOOK }),
		customerId: customerIdText.optional().openapi({ description: CUSTOMER }),
		eventId: idText("evt").optional().openapi({ description: EVENT }),
		tag: tagText.optional().openapi({ description: TAG }),
		eventType: inBody(eventTypes),
		status: inBody(statuses),
		responseCode: inBody(responseCodes),
		error: inBody(errors),
		cause: inBody(causes),
		after: time()
			.optional()
			.openapi({ description: "Only deliveries created at this time or later. Milliseconds since the epoch." }),
		before: time()
			.optional()
			.openapi({ description: "Only deliveries created before this time. Milliseconds since the epoch." }),
		updatedAfter: time().optional().openapi({ description: UPDATED_AFTER }),
		updatedBefore: time().optional().openapi({ description: UPDATED_BEFORE }),
		page: shortText(400)
			.optional()
			.openapi({ description: "`nextPage` of an earlier response to the same filter, unchanged." }),
	})
	.refine(
		({ page: _page, ...filter }) => Object.keys(filter).length > 0,
		"must have at least one filter, such as webhookId or after",
	)
	.openapi("DeliveryFilter");
