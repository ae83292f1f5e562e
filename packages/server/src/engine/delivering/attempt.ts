// One attempt: the request that is sent, and what its outcome means for the delivery.
import { sign } from "../../core/crypto/signing.ts";
import type { Attempt, AttemptVerdict } from "../../core/delivery.ts";
import { causeOf } from "../../core/log/attempt-cause.ts";
import { parseRetryAfterMs } from "../../core/policies/retry-policy.ts";
import { isRelayEndpoint, relayRequestId } from "../../core/receivers/relay.ts";
import { HIDDEN_VALUE, type ArmedWebhook } from "../../core/webhook.ts";
import type { AttemptReport } from "../../ports/observer.ts";
import { isOwnFailure, type AttemptOutcome, type AttemptRequest } from "../../ports/sender.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Span } from "../../ports/tracing.ts";

/**
 * The request for an event to a webhook, signed as Standard Webhooks specifies: by the secrets that have not expired at
 * `now`, with the wall time as its time stamp, since the receiver compares that with its own clock. The event's `traceparent` goes
 * with it, unless the webhook has a header of this name.
 */
export function buildRequest(
	webhook: ArmedWebhook,
	event: Pick<LeasedDelivery, "eventId" | "body" | "traceparent">,
	userAgent: string,
	now: number,
	wallNow: number,
): AttemptRequest {
	const timestampS = Math.floor(wallNow / 1_000);
	const keys = webhook.signingKeys.filter(({ expireDate }) => expireDate === null || expireDate > now);
	return {
		projectId: webhook.projectId,
		customerId: webhook.customerId,
		url: webhook.endpoint,
		headers: {
			...(event.traceparent !== null && { traceparent: event.traceparent }),
			...webhook.headers,
			"content-type": "application/json",
			"user-agent": userAgent,
			"webhook-id": event.eventId,
			"webhook-timestamp": String(timestampS),
			"webhook-signature": sign(
				keys.map(({ key }) => key),
				event.eventId,
				timestampS,
				event.body,
			),
		},
		body: event.body,
		timeoutMs: webhook.timeoutMs,
	};
}

/**
 * The verdict on an outcome. Only a complete response with a status of 200–299 is a success. A 410 disables the
 * webhook, even if the rest of the response is missing. `wallNow` is compared with the date that a receiver asks to wait
 * for.
 */
export function judge(outcome: AttemptOutcome, wallNow: number): AttemptVerdict {
	const { responseCode } = outcome;
	if (responseCode === 410) return { kind: "gone", responseCode, reason: null, retryAfterMs: null };
	// It is a header, so it counts even if the rest of the response is missing.
	const asksToWait = responseCode === 429 || responseCode === 503;
	const retryAfterMs = asksToWait ? parseRetryAfterMs(outcome.response?.headers["retry-after"], wallNow) : null;
	if (outcome.error !== null) {
		return { kind: "failure", responseCode, reason: outcome.reason ?? outcome.error, retryAfterMs };
	}
	if (responseCode >= 200 && responseCode <= 299) {
		return { kind: "success", responseCode, reason: null, retryAfterMs: null };
	}
	return {
		kind: "failure",
		responseCode,
		reason: `the receiver responded with ${responseCode}${responseCode >= 300 && responseCode <= 399 ? "; redirects are not followed" : ""}`,
		retryAfterMs,
	};
}

/**
 * The verdict on an attempt to an endpoint that the webhook no longer has: a 410 from the previous endpoint is a
 * failure and does not disable the webhook.
 */
export function verdictOnPreviousEndpoint(verdict: AttemptVerdict): AttemptVerdict {
	if (verdict.kind !== "gone") return verdict;
	const { responseCode } = verdict;
	const reason = `the webhook's previous endpoint responded with ${responseCode}`;
	return { kind: "failure", responseCode, reason, retryAfterMs: null };
}

/** The request of an attempt of a delivery: that of `buildRequest`, for a relay with what its client is told. */
export function requestFor(
	webhook: ArmedWebhook,
	delivery: LeasedDelivery,
	userAgent: string,
	now: number,
	wallNow: number,
): AttemptRequest {
	const request = buildRequest(webhook, delivery, userAgent, now, wallNow);
	if (!isRelayEndpoint(webhook.endpoint)) return request;
	const { attemptCount, id: deliveryId, trigger } = delivery;
	const number = attemptCount + 1;
	return { ...request, attempt: { requestId: relayRequestId(deliveryId, number), deliveryId, number, trigger } };
}

/** The attempt as the delivery log keeps it: the values of custom headers are hidden. */
export function recordAttempt(
	id: string,
	delivery: LeasedDelivery,
	webhook: ArmedWebhook,
	request: AttemptRequest,
	outcome: AttemptOutcome,
	startDate: number,
): Attempt {
	return {
		id,
		number: delivery.attemptCount + 1,
		trigger: delivery.trigger,
		startDate,
		durationMs: Math.round(outcome.durationMs),
		responseCode: outcome.responseCode,
		error: outcome.error,
		reason: outcome.reason,
		cause: causeOf(outcome),
		webhookRevision: webhook.revision,
		firstByteMs: outcome.firstByteMs,
		connection: outcome.connection,
		requestHeaders: shownHeaders(webhook, request),
		response: outcome.response,
	};
}

/** What the observer is told of an attempt. */
export function reportOf(
	delivery: LeasedDelivery,
	outcome: AttemptOutcome,
	success: boolean,
	startDate: number,
): AttemptReport {
	const isFirst = delivery.attemptCount === 0 && delivery.trigger === "auto";
	return {
		projectId: delivery.projectId,
		webhookId: delivery.webhookId,
		eventId: delivery.eventId,
		deliveryId: delivery.id,
		attemptNumber: delivery.attemptCount + 1,
		trigger: delivery.trigger,
		responseCode: outcome.responseCode,
		error: outcome.error,
		reason: outcome.reason,
		detail: outcome.detail,
		durationMs: outcome.durationMs,
		acceptedToSentMs: isFirst ? startDate - delivery.createDate : null,
		result: success ? "success" : "failure",
	};
}

/** The headers of a request without the values of the webhook's own ones, which are write-only. */
export function shownHeaders(
	{ headerNames }: Pick<ArmedWebhook, "headerNames">,
	request: AttemptRequest,
): Readonly<Record<string, string>> {
	const shown: Record<string, string> = { ...request.headers };
	for (const name of headerNames) shown[name] = HIDDEN_VALUE;
	return shown;
}

/** How the span of an attempt ends. */
export function spanEnd(outcome: AttemptOutcome): Parameters<Span["end"]> {
	const status = outcome.responseCode === 0 ? undefined : outcome.responseCode;
	return [{ "http.response.status_code": status }, isOwnFailure(outcome.error) ? outcome.error : causeOf(outcome)];
}
