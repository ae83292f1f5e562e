// The `webhooks` section of the document: what a receiver gets, and what its responses mean.
import { z, type RouteConfig } from "@hono/zod-openapi";

import { OWN_EVENTS, type OwnEventDoc } from "./own-events.ts";

/** A request as a receiver gets it. `path` is its name in the section. */
type ReceivedConfig = RouteConfig;

/** The secret, the body and the headers of the examples belong together: a test computes the signature. */
export const EXAMPLE = {
	secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	id: "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	timestamp: "1732454640",
	body: '{"type":"user.created","timestamp":"2024-11-24T13:24:00.000Z","data":{"id":4711,"plan":"pro"}}',
	signature: "v1,jiYdUseC4xdvs+f1iSNp1zmnAuAZ4/xrLo6Iwxn0MHU=",
} as const;

const HEADERS = [
	{
		name: "webhook-id",
		description:
			"The id of the event: the same for all attempts and replays. Store it to process each event only once.",
		schema: { type: "string" as const },
		example: EXAMPLE.id,
	},
	{
		name: "webhook-timestamp",
		description:
			"The time of this attempt, in seconds since the epoch. Refuse a request that is older than some minutes.",
		schema: { type: "string" as const, pattern: "^\\d+$" },
		example: EXAMPLE.timestamp,
	},
	{
		name: "webhook-signature",
		description:
			"Standard Webhooks, scheme `v1`: `v1,` and the base64 of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`, with the " +
			"bytes of the body as they came, and the decoded secret as the key. While a secret is rotated there are several, separated " +
			`by spaces; one must match. The example is made with the secret \`${EXAMPLE.secret}\` and the example of the body.`,
		schema: { type: "string" as const },
		example: EXAMPLE.signature,
	},
	{
		name: "user-agent",
		description: "`Fanfare/`, its version, and where to read about it.",
		schema: { type: "string" as const },
		example: "Fanfare/0.2.0 (+https://github.com/fanfare-webhooks/fanfare)",
	},
].map((header) => ({ ...header, in: "header" as const, required: true }));

const TRACEPARENT = {
	name: "traceparent",
	description:
		"W3C Trace Context: the header of the request that sent the event, unchanged, at each attempt and replay. Absent if that request had " +
		"none, or a malformed one, and for Fanfare's own events. A header of this name that the webhook has is sent instead. It is " +
		"not part of what is signed.",
	schema: { type: "string" as const },
	example: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	in: "header" as const,
	required: false,
};

const RESPONSES = {
	"2XX": { description: "The delivery has succeeded. Respond within `timeoutMs`, and before you process the event." },
	410: { description: "Nothing more is wanted here: the delivery is Failed, and the webhook is disabled." },
	429: {
		description: "A failure. `Retry-After` (seconds or a date) moves the next attempt back, to 24 hours at most.",
	},
	503: { description: "The same as 429." },
	default: {
		description: "A failure, which is retried by the webhook's policy. A redirect (3xx) is one, and never followed.",
	},
};

const type = z.string().openapi({ description: "The type of the event." });
const timestamp = z.string().openapi({
	format: "date-time",
	description: "When the event happened.",
	example: "2024-11-24T13:24:00.000Z",
});

/** What a receiver gets: events of your own, and each of Fanfare's own events. */
export function receivedConfigs(): ReceivedConfig[] {
	const any = z.object({
		type,
		timestamp,
		data: z.unknown().openapi({ description: "Byte for byte as the sender sent it." }),
	});
	return [
		received("event", "An event", "Sent for each delivery, at each attempt.", any, JSON.parse(EXAMPLE.body)),
		...Object.entries<OwnEventDoc>(OWN_EVENTS).map(([name, { summary, data, example }]) => {
			const body = z.object({
				type: z.literal(name).openapi({ description: "The type of the event." }),
				timestamp,
				data: data.openapi({ description: "What has happened." }),
			});
			const text = `Sent to webhooks of the project whose \`eventTypes\` name \`${name}\` or a prefix of it.`;
			return received(name, summary, text, body, { type: name, timestamp: "2024-11-24T13:24:00.000Z", data: example });
		}),
	];
}

function received(
	name: string,
	summary: string,
	description: string,
	schema: z.ZodType,
	example: unknown,
): ReceivedConfig {
	const words = name.split(/\W/).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
	return {
		operationId: `receive${words.join("")}`,
		method: "post",
		path: name,
		tags: ["Receiving"],
		summary,
		description,
		security: [],
		parameters: name === "event" ? [...HEADERS, TRACEPARENT] : HEADERS,
		request: { body: { required: true, content: { "application/json": { schema, example } } } },
		responses: RESPONSES,
	};
}
