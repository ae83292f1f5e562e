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
	TIMEOUT_RANGE_MS,
	WEBHOOK_STATUSES,
} from "../../../core/webhook.ts";
import { textIssue } from "../common/characters.ts";
import { integer, nameText, revisionIn, revisionOut, stringMap, text, timeOut } from "../common/schemas.ts";
import { eventTypeList, eventTypeName } from "../event-types/schemas.ts";
import { headerNameIssue, headerValueIssue, MAX_HEADERS } from "./header-rules.ts";

const DESCRIPTION_MAX_LENGTH = 1_024;
const METADATA = { entries: 50, keyLength: 64, valueLength: 512 } as const;

const endpoint = z
	.string()
	.min(1)
	.max(ENDPOINT_MAX_LENGTH)
	.refine((url) => /^\S+$/.test(url) && url.isWellFormed() && URL.canParse(url), {
		error: "must be an absolute URL such as https://example.com/webhooks",
		abort: true,
	})
	.openapi({
		format: "uri",
		description: "Absolute `https` URL of a public address, without user name, password and fragment.",
		example: "https://example.com/webhooks",
	});

const secretContents = z
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

const scheduleMs = z
	.array(integer(0, SCHEDULE_MAX_WAIT_MS))
	.min(1)
	.max(SCHEDULE_MAX_ENTRIES)
	.openapi({
		description:
			"Fixed waits between attempts, instead of exponential ones. `maxRetries` is then the number of entries.",
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

const eventTypes = eventTypeList
	.nullish()
	.openapi({ description: "Exact names or `prefix.*`. Defaults to every type.", example: ["user.created"] });

const headers = stringMap({ maxEntries: MAX_HEADERS, nameIssue: headerNameIssue, valueIssue: headerValueIssue })
	.superRefine((value, context) => {
		const names = Object.keys(value).map((name) => name.toLowerCase());
		const twice = names.find((name, index) => names.indexOf(name) !== index);
		if (twice !== undefined) {
			context.addIssue({ code: "custom", path: [twice], message: "appears more than once; send it once" });
		}
	})
	.nullish()
	.openapi({
		type: ["object", "null"],
		description: "Sent with each attempt, with names in lower case. Values are write-only: responses show `***`.",
		example: { "x-tenant": "acme" },
	});

const metadata = stringMap({
	maxEntries: METADATA.entries,
	nameIssue: (key) => (key === "__proto__" ? "is a reserved name" : textIssue(key, 1, METADATA.keyLength, false)),
	valueIssue: (value) => textIssue(value, 0, METADATA.valueLength, true),
})
	.nullish()
	.openapi({
		type: ["object", "null"],
		description:
			`Your own notes: at most ${METADATA.entries} entries, with keys of up to ${METADATA.keyLength} ` +
			`and values of up to ${METADATA.valueLength} characters.`,
		example: { customer: "4711" },
	});

/** The settings that Fanfare has and Nexus does not. */
const fanfareSettings = {
	description: text(0, DESCRIPTION_MAX_LENGTH, { lines: true })
		.nullish()
		.openapi({ example: "Orders to the warehouse" }),
	eventTypes,
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
		spec: z.strictObject({
			endpoint,
			secret: secretSchema
				.nullish()
				.openapi({ description: "Generated if omitted. It is never returned, so pass your own." }),
			retries,
			...fanfareSettings,
		}),
	})
	.openapi("CreateWebhook");

export const updateWebhookSchema = z
	.strictObject({
		name: nameText(NAME_MAX_LENGTH).optional(),
		spec: z
			.strictObject({
				endpoint: endpoint.optional(),
				secret: z.unknown().optional().openapi({
					description: "Ignored, whatever its value. Use `PUT …/secret` to change the secret.",
				}),
				retries,
				...fanfareSettings,
			})
			.optional(),
		revision: revisionIn.optional(),
	})
	.openapi("UpdateWebhook", {
		description: "Fields that are omitted do not change. Null sets an optional field to its default.",
	});

export type CreateWebhook = z.infer<typeof createWebhookSchema>;
export type UpdateWebhook = z.infer<typeof updateWebhookSchema>;

export const webhookSchema = z
	.object({
		id: z.string(),
		object: z.literal("webhook"),
		projectId: z.string(),
		name: z.string(),
		endpoint: z.string(),
		retries: z.object({
			maxRetries: z.int(),
			maxBackoffMs: z.int(),
			scheduleMs: z.array(z.int()).optional().openapi({ description: "Present only if set." }),
		}),
		createDate: timeOut,
		updateDate: timeOut,
		revision: revisionOut,
		description: z.string().nullable(),
		eventTypes: z.array(z.string()).nullable(),
		headers: z
			.record(z.string(), z.literal(HIDDEN_VALUE))
			.openapi({ description: "The names of the headers. The values are never returned." }),
		timeoutMs: z.int(),
		rateLimit: z.object({ perSecond: z.int() }).nullable(),
		disableAfterMs: z.int(),
		metadata: z.record(z.string(), z.string()),
		status: z.enum(WEBHOOK_STATUSES),
		disabledReason: z.string().nullable(),
		secretHint: z.string().openapi({ description: "The last four characters of the secret." }),
		secretOverlapUntil: z
			.int()
			.nullable()
			.openapi({ description: "Until when attempts are also signed with an older secret; null if they are not." }),
	})
	.openapi("Webhook", {
		example: {
			id: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7",
			object: "webhook",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
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
			secretHint: "LaSw",
			secretOverlapUntil: null,
		},
	});

export const testWebhookSchema = z
	.strictObject({
		eventType: eventTypeName
			.nullish()
			.openapi({ description: "Send the example of this event type. Defaults to a sample of Fanfare's own." }),
	})
	.openapi("TestWebhook");

export const webhookTestSchema = z
	.object({
		status: z.enum(["Ok", "Failed"]).openapi({ description: "`Ok` if an attempt got a 2xx." }),
		responseCode: z.int().openapi({ description: "The response code of the last attempt; 0 if no response came." }),
		latencyMs: z.int(),
		attemptCount: z.int(),
		body: z.string().nullable().openapi({ description: "The start of the last response body, at most 4 KiB." }),
		reason: z.string().nullable(),
	})
	.openapi("WebhookTest", {
		example: { status: "Ok", responseCode: 204, latencyMs: 648, attemptCount: 1, body: null, reason: null },
	});
