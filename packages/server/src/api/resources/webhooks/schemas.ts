// Webhooks on the wire: the bodies that create and change one, and the responses.
import { z } from "@hono/zod-openapi";

import { decodeSecret, SECRET_MAX_BYTES, SECRET_MIN_BYTES } from "../../../core/crypto/signing.ts";
import {
	DEFAULT_RETRY_POLICY,
	MAX_BACKOFF_LIMIT_MS,
	MAX_RETRIES_LIMIT,
	SCHEDULE_MAX_ENTRIES,
	SCHEDULE_MAX_WAIT_MS,
} from "../../../core/policies/retry-policy.ts";
import { HEALTH_STATES } from "../../../core/policies/webhook-health.ts";
import {
	DEFAULT_DISABLE_AFTER_MS,
	DEFAULT_SECRET_OVERLAP_MS,
	DEFAULT_TIMEOUT_MS,
	DISABLE_AFTER_EXHAUSTED,
	DISABLE_AFTER_MAX_MS,
	ENDPOINT_MAX_LENGTH,
	HIDDEN_VALUE,
	MAX_RATE_PER_SECOND,
	MAX_SECRET_OVERLAP_MS,
	NAME_MAX_LENGTH,
	PAUSED_REASONS,
	TIMEOUT_RANGE_MS,
	WEBHOOK_KEY_MAX_LENGTH,
	WEBHOOK_KEY_PATTERN,
	WEBHOOK_STATUSES,
} from "../../../core/webhook.ts";
import { list, shortText } from "../common/bounded.ts";
import { textIssue, type TextRules } from "../common/characters.ts";
import {
	customerIdOut,
	customerIdText,
	integer,
	nameText,
	revisionIn,
	revisionOut,
	stringMap,
	text,
	timeOut,
} from "../common/schemas.ts";
import { eventTypeList, subscribedTypes } from "../event-types/schemas.ts";
import { headerNameIssue, headerValueIssue, MAX_HEADERS } from "./header-rules.ts";

const DESCRIPTION_MAX_LENGTH = 1_024;
const METADATA = { entries: 50, keyLength: 64, valueLength: 512 } as const;

const endpoint = shortText(ENDPOINT_MAX_LENGTH)
	.refine((url) => /^\S+$/.test(url) && url.isWellFormed() && URL.canParse(url), {
		error: "must be an absolute URL such as https://example.com/webhooks",
		abort: true,
	})
	.openapi({
		minLength: 1,
		format: "uri",
		description:
			"Absolute `https` URL of a public address, without user name, password and fragment. The server's operator can allow others.",
		example: "https://example.com/webhooks",
	});

/** The product's own id of a webhook. */
export const webhookKeyText = shortText(WEBHOOK_KEY_MAX_LENGTH)
	.regex(WEBHOOK_KEY_PATTERN, `must have 1–${WEBHOOK_KEY_MAX_LENGTH} of the characters A–Z a–z 0–9 . _ : -`)
	.openapi({ minLength: 1, example: "orders:eu" });

const KEY_DESCRIPTION =
	"Your own id of the webhook, by which you find it again. No other webhook of the project can have it, until this one is deleted. " +
	"A customer's token can't set it.";

export const secretContents = z
	.string()
	.refine((contents) => decodeSecret(contents) !== null, {
		error: `must be standard base64 of ${SECRET_MIN_BYTES}–${SECRET_MAX_BYTES} bytes, with or without the prefix whsec_`,
		abort: true,
	})
	.openapi({
		description: `Standard base64 of ${SECRET_MIN_BYTES}–${SECRET_MAX_BYTES} bytes, with or without the prefix \`whsec_\`. Write-only.`,
		example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		writeOnly: true,
	});

const secretSchema = z.strictObject({ contents: secretContents }).openapi("WebhookSecret");

export const updateSecretSchema = z
	.strictObject({
		contents: secretContents,
		overlapMs: integer(0, MAX_SECRET_OVERLAP_MS)
			.nullish()
			.openapi({
				description:
					"How long attempts are also signed with the older secrets, so that receivers can switch to the new one. " +
					`Defaults to ${DEFAULT_SECRET_OVERLAP_MS} (a day).`,
			}),
	})
	.openapi("UpdateWebhookSecret");

const maxRetries = integer(0, MAX_RETRIES_LIMIT).openapi({ description: "The number of attempts after the first." });
const maxBackoffMs = integer(0, MAX_BACKOFF_LIMIT_MS).openapi({
	description: "The longest wait between two attempts.",
});

const scheduleMs = list(integer(0, SCHEDULE_MAX_WAIT_MS), { min: 1, max: SCHEDULE_MAX_ENTRIES }).openapi({
	description: "Fixed waits between attempts, instead of exponential ones. `maxRetries` is then the number of entries.",
	example: [5_000, 300_000, 3_600_000],
});

const retries = z
	.strictObject({
		maxRetries: maxRetries.nullish(),
		maxBackoffMs: maxBackoffMs.nullish(),
		scheduleMs: scheduleMs.nullish(),
	})
	.superRefine(({ maxRetries, scheduleMs }, context) => {
		if (
			scheduleMs === null ||
			scheduleMs === undefined ||
			maxRetries === null ||
			maxRetries === undefined ||
			maxRetries === scheduleMs.length
		)
			return;
		const message = `must be ${scheduleMs.length}, the number of entries of scheduleMs, or be omitted`;
		context.addIssue({ code: "custom", path: ["maxRetries"], message });
	})
	.nullish()
	.openapi({
		description:
			`Defaults to ${DEFAULT_RETRY_POLICY.maxRetries} retries, at most ${DEFAULT_RETRY_POLICY.maxBackoffMs} ms (8 h) apart: ` +
			"about a day in all. In a new webhook, a field that is omitted gets its default; in an update, it does not change.",
	});

const eventTypesOf = (types: typeof eventTypeList) =>
	types
		.nullish()
		.openapi({ description: "Exact names or `prefix.*`. Defaults to every type.", example: ["user.created"] });

const headers = stringMap({ maxEntries: MAX_HEADERS, nameIssue: headerNameIssue, valueIssue: headerValueIssue })
	.superRefine((value, context) => {
		const names = new Set<string>();
		for (const name of Object.keys(value).map((one) => one.toLowerCase())) {
			if (names.has(name)) {
				context.addIssue({ code: "custom", path: [name], message: "appears more than once; send it once" });
			}
			names.add(name);
		}
	})
	.nullish()
	.openapi({
		type: ["object", "null"],
		description:
			"Sent with each attempt, with names in lower case. Values are write-only: responses show `***`. One named `traceparent` is " +
			"sent in place of the event's.",
		example: { "x-tenant": "acme" },
	});

/** What an entry of metadata may be. */
export const metadataEntry = (names: TextRules = {}) => ({
	nameIssue: (key: string) =>
		key === "__proto__" ? "is a reserved name" : textIssue(key, 1, METADATA.keyLength, names),
	/** Values are notes and no names. Programs that put names into sentences set some of them off by marks of direction. */
	valueIssue: (value: string) => textIssue(value, 0, METADATA.valueLength, { lines: true, turns: true }),
});

const metadataOf = (names: TextRules) =>
	stringMap({ maxEntries: METADATA.entries, ...metadataEntry(names) })
		.nullish()
		.openapi({
			type: ["object", "null"],
			description:
				`Your own notes: at most ${METADATA.entries} entries, with keys of up to ${METADATA.keyLength} ` +
				`and values of up to ${METADATA.valueLength} characters.`,
			example: { customer: "4711" },
		});

/** Notes of the caller's own. */
export const metadata = metadataOf({});
/** The same, which may have been stored already. */
export const storedMetadata = metadataOf({ stored: true });

const descriptionOf = (rules: TextRules) =>
	text(0, DESCRIPTION_MAX_LENGTH, { ...rules, lines: true })
		.nullish()
		.openapi({ example: "Orders to the warehouse" });

/** What a new webhook may have. One that is updated may keep others: see `checkWebhookUpdate`. */
export const newTexts = { description: descriptionOf({}), eventTypes: eventTypesOf(subscribedTypes), metadata };

/** The settings that Fanfare has and Nexus does not. */
const fanfareSettings = {
	description: newTexts.description,
	eventTypes: newTexts.eventTypes,
	headers,
	timeoutMs: integer(TIMEOUT_RANGE_MS.min, TIMEOUT_RANGE_MS.max)
		.nullish()
		.openapi({ description: `How long one attempt may take. Defaults to ${DEFAULT_TIMEOUT_MS}.` }),
	metadata,
	rateLimit: z
		.strictObject({ perSecond: integer(1, MAX_RATE_PER_SECOND) })
		.nullish()
		.openapi({
			description:
				"The largest number of attempts per second, and the size of a burst. Waiting for the limit uses up no " +
				"retry. Defaults to no limit.",
		}),
	disableAfterMs: integer(0, DISABLE_AFTER_MAX_MS)
		.nullish()
		.openapi({
			description:
				"The webhook is disabled after it has failed for this long without a success, with at least " +
				`${DISABLE_AFTER_EXHAUSTED} exhausted deliveries. 0 means never. Defaults to ${DEFAULT_DISABLE_AFTER_MS} (5 days).`,
		}),
};

export const createWebhookSchema = z
	.strictObject({
		name: nameText(NAME_MAX_LENGTH).openapi({ example: "aws-lambda" }),
		customerId: customerIdText.nullish().openapi({
			description:
				"The customer of yours whom the webhook belongs to. It gets only events that are for this customer. It can't be " +
				"changed later. Defaults to none: the webhook is your own, and gets the events of all customers.",
		}),
		key: webhookKeyText.nullish().openapi({ description: `${KEY_DESCRIPTION} Defaults to none.` }),
		spec: z.strictObject({
			endpoint,
			secret: secretSchema.nullish().openapi({
				description:
					"Generated if omitted. No call ever returns it, so nobody could verify what the webhook gets: pass your own, " +
					"as the SDK does, which generates one if you pass none.",
			}),
			retries,
			...fanfareSettings,
		}),
	})
	.openapi("CreateWebhook");

export const updateWebhookSchema = z
	.strictObject({
		name: nameText(NAME_MAX_LENGTH, { stored: true }).optional(),
		key: webhookKeyText
			.nullable()
			.optional()
			.openapi({ description: `${KEY_DESCRIPTION} Null removes it.` }),
		spec: z
			.strictObject({
				endpoint: endpoint.optional(),
				secret: z.unknown().optional().openapi({
					description: "Ignored, whatever its value. Use `PUT …/secret` to change the secret.",
				}),
				retries,
				...fanfareSettings,
				description: descriptionOf({ stored: true }),
				eventTypes: eventTypesOf(eventTypeList),
				metadata: storedMetadata,
			})
			.optional(),
		revision: revisionIn.optional(),
	})
	.openapi("UpdateWebhook", {
		description: "Fields that are omitted do not change. Null sets an optional field to its default.",
	});

export type CreateWebhook = z.infer<typeof createWebhookSchema>;
export type UpdateWebhook = z.infer<typeof updateWebhookSchema>;

const healthOut = z
	.object({
		state: z.enum(HEALTH_STATES).openapi({
			description:
				"`Failing`: five attempts or more have failed in a row, and none has succeeded for 5 minutes, or for half of " +
				"`disableAfterMs` if that is less. `Disabling`: so many have failed for so long that Fanfare will disable the webhook. `Disabled`: it has done so. Otherwise `Healthy`.",
		}),
		failingSince: z
			.int()
			.nullable()
			.openapi({ description: "When the first attempt after the last success failed; null if none did." }),
		exhaustedCount: z.int().openapi({ description: "Deliveries that used up their retries since the last success." }),
		disableDate: z.int().nullable().openapi({
			description:
				"The earliest time at which Fanfare can disable the webhook; null unless it is `Failing` or `Disabling`.",
		}),
	})
	.openapi("WebhookHealth");

const deliveriesOut = z
	.object({ Pending: z.int(), Held: z.int(), Failed: z.int() })
	.openapi("WebhookDeliveries", { description: "How many of its deliveries are in each of these statuses now." });

const lastAttemptOut = z
	.object({
		date: z.int().openapi({ description: "When the attempt began, in milliseconds since the epoch." }),
		responseCode: z.int().openapi({ description: "0 if no response came." }),
		error: z.string().nullable().openapi({ description: "As in an attempt; null if a complete response came." }),
		cause: z.string().nullable().openapi({ description: "As in an attempt." }),
		deliveryId: z.string().openapi({ description: "The delivery that the attempt belongs to." }),
	})
	.openapi("WebhookLastAttempt");

export const webhookSchema = z
	.object({
		id: z.string(),
		object: z.literal("webhook"),
		projectId: z.string(),
		customerId: customerIdOut,
		key: z.string().optional().openapi({ description: "Your own id of the webhook. Present only if set." }),
		name: z.string(),
		endpoint: z.string().openapi({ description: "The URL that events are sent to." }),
		retries: z
			.object({
				maxRetries: z.int().openapi({ description: "The number of attempts after the first." }),
				maxBackoffMs: z.int().openapi({ description: "The longest wait between two attempts." }),
				scheduleMs: z.array(z.int()).optional().openapi({ description: "Present only if set." }),
			})
			.openapi({ description: "How often a failed delivery is retried, and after which waits." }),
		createDate: timeOut,
		updateDate: timeOut,
		revision: revisionOut,
		description: z.string().nullable(),
		eventTypes: z
			.array(z.string())
			.nullable()
			.openapi({ description: "The event types that it gets, as exact names or `prefix.*`; null for all." }),
		headers: z
			.record(z.string(), z.literal(HIDDEN_VALUE))
			.openapi({ description: "The names of the headers. The values are never returned." }),
		timeoutMs: z.int().openapi({ description: "How long one attempt may take." }),
		rateLimit: z
			.object({ perSecond: z.int() })
			.nullable()
			.openapi({ description: "The limit of its attempts; null for none." }),
		disableAfterMs: z
			.int()
			.openapi({ description: "It is disabled after it has failed for this long without a success; 0 for never." }),
		metadata: z.record(z.string(), z.string()),
		status: z.enum(WEBHOOK_STATUSES).openapi({ description: "Deliveries of a Paused or Disabled webhook are Held." }),
		disabledReason: z
			.string()
			.nullable()
			.openapi({ description: "Why it is Disabled, as a sentence; null if it is not." }),
		pausedReason: z
			.enum(PAUSED_REASONS)
			.nullable()
			.openapi({
				description:
					"`restored` if the data was restored from a backup on hold: `:release` resumes it. Null if a person has paused " +
					"the webhook, or if it is not paused.",
			}),
		secretHint: z.string().openapi({ description: "The last four characters of the secret." }),
		secretOverlapUntil: z
			.int()
			.nullable()
			.openapi({ description: "Until when attempts are also signed with an older secret; null if they are not." }),
		health: healthOut,
		deliveries: deliveriesOut,
		lastAttempt: lastAttemptOut.nullable().openapi({
			description: "The attempt whose outcome was recorded last. Null if there is none in the delivery log.",
		}),
	})
	.openapi("Webhook", {
		example: {
			id: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7",
			object: "webhook",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			customerId: "acme",
			key: "orders:eu",
			name: "aws-lambda",
			endpoint: "https://example.com/webhooks",
			retries: { maxRetries: 17, maxBackoffMs: 28_800_000 },
			createDate: 1_723_633_671_620,
			updateDate: 1_723_736_909_980,
			revision: 7,
			description: null,
			eventTypes: null,
			headers: { "x-tenant": HIDDEN_VALUE },
			timeoutMs: 15_000,
			rateLimit: null,
			disableAfterMs: 432_000_000,
			metadata: {},
			status: "Enabled",
			disabledReason: null,
			pausedReason: null,
			secretHint: "LaSw",
			secretOverlapUntil: null,
			health: {
				state: "Disabling",
				failingSince: 1_723_733_000_000,
				exhaustedCount: 3,
				disableDate: 1_724_165_000_000,
			},
			deliveries: { Pending: 120, Held: 0, Failed: 3 },
			lastAttempt: {
				date: 1_723_736_900_000,
				responseCode: 0,
				error: "timeout",
				cause: "connect_timeout",
				deliveryId: "dlv_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			},
		},
	});
