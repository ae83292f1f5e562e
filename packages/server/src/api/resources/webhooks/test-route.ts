// The test of a webhook: what may be sent, and what of it the caller sees.
import { seesPayloads, type Principal } from "../../../core/access/principal.ts";
import { FanfareError } from "../../../core/errors.ts";
import { MAX_EVENT_BYTES } from "../../../core/event.ts";
import type { TestExchange, TestSample } from "../../../engine/webhook-test.ts";
import { validate } from "../../request/body/validate.ts";
import { json, keyOrCustomerWith, route, type BodyRule } from "../../request/route.ts";
import { attemptViewOf, shownIn } from "../deliveries/present.ts";
import { testQuerySchema, testWebhookSchema, webhookTestSchema } from "./test-schemas.ts";

/** Optional, since the Nexus SDK sends no body. The data is kept as it was written. */
const testBody: BodyRule<TestSample | null> = {
	schema: testWebhookSchema,
	example: {},
	maxBytes: MAX_EVENT_BYTES,
	optional: true,
	read({ text, value, members }) {
		const { eventType = null } = validate(testWebhookSchema, value);
		const span = members.find(({ name }) => name === "data");
		const written = span === undefined ? "null" : text.slice(span.start, span.end);
		const dataJson = written === "null" ? null : written;
		return eventType === null && dataJson === null ? null : { eventType, dataJson };
	},
};

export const testRoutes = [
	route({
		id: "testWebhook",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:test",
		audit: "webhook.test",
		access: keyOrCustomerWith("write", "webhooks.write"),
		summary: "Test a webhook",
		description:
			"Sends a signed sample at once, outside the queue and the log: up to min(`maxRetries`, 3) + 1 attempts until " +
			"a 2xx, at most 1 s apart and 30 s in all. If the endpoint fails, the response is a 200 with the status " +
			"`Failed`, and `failedBy` says whether the receiver or Fanfare itself is to blame. With `eventType`, the sample is the example of that " +
			"event type; with `data`, what you send, of 256 KiB at most. With `?exchange=true`, the response shows the request as it was sent.",
		query: testQuerySchema,
		body: testBody,
		answers: { 200: { description: "The result of the test.", schema: webhookTestSchema } },
		async handle({ deps, principal, change, params, query, body }) {
			if (body !== null && body.dataJson !== null) requireSigner(principal);
			const test = await deps.engine.webhooks.test(change, params.webhookId, body);
			const { status, responseCode, latencyMs, attemptCount, reason, failedBy } = test;
			const result = { status, responseCode, latencyMs, attemptCount, body: null, reason, failedBy };
			return json({
				...result,
				...(seesPayloads(principal) && { body: test.body }),
				...(query.exchange === "true" && { exchange: presentExchange(test.exchange, principal) }),
			});
		},
	}),
];

/**
 * Refuses a customer's token that may not set the secret. The holder could direct the webhook to a server of their own and have any
 * request signed there, which is what a secret is for.
 */
function requireSigner(principal: Principal | null): void {
	if (principal?.kind !== "customer" || principal.capabilities.includes("secrets.rotate")) return;
	throw new FanfareError(
		"insufficient_scope",
		"A test with `data` needs a token with the capability secrets.rotate, since the data is signed. Omit `data` to send a sample.",
	);
}

function presentExchange({ endpoint, requestHeaders, requestBody, ...answer }: TestExchange, reader: Principal | null) {
	const { headers, response } = shownIn(attemptViewOf(reader), requestHeaders, answer.response);
	const body = Buffer.from(requestBody.buffer, requestBody.byteOffset, requestBody.byteLength).toString("utf8");
	return {
		request: { method: "POST", url: endpoint, headers, body },
		response: response === null ? null : { responseCode: answer.responseCode, ...response },
	};
}
