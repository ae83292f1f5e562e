// Deliveries and their attempts as responses show them.
import type { z } from "@hono/zod-openapi";

import { scopeAllows } from "../../../core/access/key.ts";
import { seesPayloads, type Principal } from "../../../core/access/principal.ts";
import type { Page } from "../../../core/page.ts";
import { HIDDEN_VALUE } from "../../../core/webhook.ts";
import type { LoggedAttempt, LoggedDelivery } from "../../../ports/store/log.ts";
import type { AttemptView } from "../../../ports/store/reads/list-reads.ts";
import type { attemptSchema, deliverySchema, deliveryWithAttemptsSchema } from "./schemas.ts";

const SIGNATURE = "webhook-signature";
const COOKIE = "set-cookie";
/** `v1,` and eight characters of the signature. */
const SIGNATURE_CHARACTERS_SHOWN = 11;

export function presentDelivery(delivery: LoggedDelivery): z.infer<typeof deliverySchema> {
	return {
		id: delivery.id,
		object: "delivery",
		projectId: delivery.projectId,
		eventId: delivery.eventId,
		eventType: delivery.eventType,
		webhookId: delivery.webhookId,
		webhookName: delivery.webhookName,
		webhookHost: delivery.webhookHost,
		...(delivery.customerId !== null && { customerId: delivery.customerId }),
		status: delivery.status,
		reason: delivery.reason,
		attemptCount: delivery.attemptCount,
		nextAttemptDate: delivery.nextAttemptAt,
		responseCode: delivery.responseCode,
		lastAttempt: delivery.lastAttempt,
		createDate: delivery.createDate,
		updateDate: delivery.updateDate,
	};
}

/** A delivery with the newest page of its attempts. */
export function presentDeliveryWithAttempts(
	delivery: LoggedDelivery,
	{ rows, hasOlder }: Page<LoggedAttempt>,
	view: AttemptView,
): z.infer<typeof deliveryWithAttemptsSchema> {
	return {
		...presentDelivery(delivery),
		attempts: rows.map((attempt) => presentAttempt(attempt, view)).toReversed(),
		hasMoreAttempts: hasOlder,
	};
}

export function presentAttempt(attempt: LoggedAttempt, view: AttemptView): z.infer<typeof attemptSchema> {
	const { connection } = attempt;
	const shown = shownIn(view, attempt.requestHeaders, attempt.response);
	return {
		id: attempt.id,
		object: "attempt",
		number: attempt.number,
		trigger: attempt.trigger,
		startDate: attempt.startDate,
		durationMs: attempt.durationMs,
		endpoint: attempt.endpoint,
		remoteAddress: connection?.remoteAddress ?? null,
		timings: {
			lookupMs: connection?.opening?.lookupMs ?? null,
			connectMs: connection?.opening?.connectMs ?? null,
			tlsMs: connection?.opening?.tlsMs ?? null,
			firstByteMs: attempt.firstByteMs,
		},
		certificateExpireDate: connection?.certificateExpireDate ?? null,
		responseCode: attempt.responseCode,
		error: attempt.error,
		cause: attempt.cause,
		reason: attempt.reason,
		request: { headers: shown.headers },
		response: shown.response,
	};
}

/**
 * What `reader` may see of attempts: a customer, and a key that only reads, get nothing with which requests could be made. A customer
 * needs a capability to see what receivers have responded.
 */
export function attemptViewOf(reader: Principal | null): AttemptView {
	return {
		content: seesPayloads(reader),
		secrets: reader?.kind === "key" && scopeAllows(reader.key.scope, "write"),
	};
}

/** What is shown of the headers of a request and of the response. */
export function shownIn({ content, secrets }: AttemptView, headers: Headers, response: LoggedAttempt["response"]) {
	const answer = content ? response : withoutContent(response);
	if (secrets) return { headers, response: answer };
	return {
		headers: withoutSignatures(headers),
		response: answer === null ? null : { ...answer, headers: withoutCookies(answer.headers) },
	};
}

/** What is left says that there was a response, and whether its body had anything in it. */
function withoutContent(response: LoggedAttempt["response"]): LoggedAttempt["response"] {
	return response === null ? null : { headers: {}, body: "", bodyTruncated: response.body !== "" };
}

type Headers = Readonly<Record<string, string>>;

/** With the beginning of each signature only, which is enough to compare it. */
function withoutSignatures(headers: Headers): Headers {
	const signatures = headers[SIGNATURE];
	if (signatures === undefined) return headers;
	const shown = signatures.split(" ").map((signature) => `${signature.slice(0, SIGNATURE_CHARACTERS_SHOWN)}…`);
	return { ...headers, [SIGNATURE]: shown.join(" ") };
}

function withoutCookies(headers: Headers): Headers {
	return headers[COOKIE] === undefined ? headers : { ...headers, [COOKIE]: HIDDEN_VALUE };
}
