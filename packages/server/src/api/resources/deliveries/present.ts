// Deliveries and their attempts as responses show them.
import type { z } from "@hono/zod-openapi";

import { scopeAllows } from "../../../core/access/key.ts";
import { seesPayloads, type Principal } from "../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import { HIDDEN_VALUE } from "../../../core/webhook.ts";
import type { LoggedAttempt, LoggedDelivery } from "../../../ports/store/log.ts";
import { textListReply } from "../../request/list-reply.ts";
import type { Reply } from "../../request/route.ts";
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
	reader: Principal | null,
): z.infer<typeof deliveryWithAttemptsSchema> {
	return {
		...presentDelivery(delivery),
		attempts: rows.map((attempt) => presentAttempt(attempt, reader)).toReversed(),
		hasMoreAttempts: hasOlder,
	};
}

/** The response with a page of attempts. The number of an attempt is its cursor. */
export function attemptListReply(page: Page<LoggedAttempt>, request: PageRequest, reader: Principal | null): Reply {
	const text = (attempt: LoggedAttempt) => JSON.stringify(presentAttempt(attempt, reader));
	return textListReply(page, request, { id: ({ number }) => String(number), text });
}

/** `reader` is who sees it: see `shownTo`. */
function presentAttempt(attempt: LoggedAttempt, reader: Principal | null): z.infer<typeof attemptSchema> {
	const { connection } = attempt;
	const shown = shownTo(reader, attempt.requestHeaders, attempt.response);
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
 * What `reader` may see of the headers of a request and of the response: a customer, and a key that only reads, get nothing with
 * which requests could be made. A customer needs a capability to see what receivers have responded.
 */
export function shownTo(reader: Principal | null, headers: Headers, response: LoggedAttempt["response"]) {
	const answer = seesPayloads(reader) ? response : withoutContent(response);
	const seesAll = reader?.kind === "key" && scopeAllows(reader.key.scope, "write");
	if (seesAll) return { headers, response: answer };
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
