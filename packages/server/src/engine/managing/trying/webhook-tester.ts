// Tests of a webhook: sends a signed sample at once. It passes through no queue and is not in the delivery log.
import { FanfareError } from "../../../core/errors.ts";
import { TEST_EVENT_TYPE } from "../../../core/event-type.ts";
import { buildBody } from "../../../core/event.ts";
import type { ArmedWebhook } from "../../../core/webhook.ts";
import { attemptOnce, isOwnFailure, type AttemptOutcome, type AttemptRequest } from "../../../ports/sender.ts";
import { buildRequest, judge, shownHeaders } from "../../delivering/attempt.ts";
import { webhookNotFound } from "../../directory/not-found.ts";
import type { EngineParts } from "../../parts.ts";
import type { TestExchange, WebhookTest } from "../../webhook-test.ts";
import type { EventPayload } from "../event-type-calls.ts";
import type { TriedWebhook } from "./tried-webhook.ts";

type Parts = Pick<EngineParts, "sender" | "clock" | "wall" | "ids" | "observer">;

const TOTAL_MS = 30_000;
const MAX_WAIT_MS = 1_000;
/** Retries of a test at most, however patient the webhook's policy is: the caller waits for the result. */
const MAX_TEST_RETRIES = 3;
/**
 * Tests under way at once, in all. A project may have at most as many of them as are still free, so that some always
 * are free for others.
 */
const MAX_TESTS = 64;

/** The last attempt of a test, and the number of attempts with it. */
interface MadeAttempt {
	readonly webhook: ArmedWebhook;
	readonly request: AttemptRequest;
	readonly outcome: AttemptOutcome;
	readonly attemptCount: number;
}

/** Sends samples to webhooks. The tests under way are limited, in all, for each project and for each customer. */
export class WebhookTester {
	readonly #parts: Parts;
	readonly #userAgent: string;
	#underWay = 0;
	readonly #underWayOf = new Map<string, number>();

	constructor(parts: Parts, userAgent: string) {
		this.#parts = parts;
		this.#userAgent = userAgent;
	}

	/**
	 * Sends the sample, or Fanfare's own sample for null. Makes up to min(`maxRetries`, 3) + 1 attempts until a 2xx, at most
	 * 1 s apart and within 30 s in all. Throws `overloaded` if too many tests are under way. A failing endpoint is a
	 * result, not an error. No further attempt is made once the webhook was deleted; throws `webhook_not_found` if that was before the first.
	 */
	async test(webhook: ArmedWebhook, sample: EventPayload | null, tested: TriedWebhook): Promise<WebhookTest> {
		const { projectId, customerId } = webhook;
		const customer = customerId === null ? null : `${projectId} ${customerId}`;
		if (customer !== null && (this.#underWayOf.get(customer) ?? 0) >= tested.maxPerCustomer) {
			throw new FanfareError(
				"overloaded",
				"Too many webhooks of this customer are being tested. Try again in a few seconds.",
			);
		}
		if ((this.#underWayOf.get(projectId) ?? 0) >= MAX_TESTS - this.#underWay) {
			throw new FanfareError("overloaded", "Too many webhooks are being tested. Try again in a few seconds.");
		}
		this.#underWay++;
		const owners = customer === null ? [projectId] : [projectId, customer];
		for (const owner of owners) this.#count(owner, 1);
		try {
			await tested.begin();
			const latest = await tested.latest();
			if (latest === null) throw webhookNotFound();
			return await this.#attempts(latest, sample ?? ownSample(webhook), tested);
		} finally {
			this.#underWay--;
			for (const owner of owners) this.#count(owner, -1);
		}
	}

	/** `owner` is a project or a customer of one. */
	#count(owner: string, change: 1 | -1): void {
		const ofOwner = (this.#underWayOf.get(owner) ?? 0) + change;
		if (ofOwner === 0) this.#underWayOf.delete(owner);
		else this.#underWayOf.set(owner, ofOwner);
	}

	async #attempts(
		first: ArmedWebhook,
		{ type, dataJson }: EventPayload,
		{ latest }: TriedWebhook,
	): Promise<WebhookTest> {
		const { clock, ids, wall } = this.#parts;
		const endAt = clock.monotonicMs() + TOTAL_MS;
		const now = clock.now();
		const event = { eventId: ids.make("evt", now), body: buildBody(type, now, dataJson), traceparent: null };
		const maxAttempts = 1 + Math.min(first.retries.maxRetries, MAX_TEST_RETRIES);
		let webhook = first;
		for (let attemptCount = 1; ; attemptCount++) {
			const request = buildRequest(webhook, event, this.#userAgent, clock.now(), wall.now());
			const timeoutMs = Math.max(1, Math.min(request.timeoutMs, Math.floor(endAt - clock.monotonicMs())));
			const outcome = await attemptOnce(this.#parts.sender, { ...request, timeoutMs });
			const made = { webhook, request, outcome, attemptCount };
			const waitMs = Math.min(MAX_WAIT_MS, webhook.retries.maxBackoffMs);
			// An aborted attempt was cut short by a stop of the engine: no other one may follow it.
			const isStopped = outcome.error === "aborted";
			const over = isStopped || attemptCount >= maxAttempts || clock.monotonicMs() + waitMs >= endAt;
			if (isSuccess(outcome) || over) return this.#report(made);
			await new Promise<void>((resolve) => clock.after(waitMs, resolve));
			const changed = await latest();
			if (changed === null) return this.#report(made);
			webhook = changed;
		}
	}

	/** The result for the caller. The log has what only the operator may see. */
	#report(made: MadeAttempt): WebhookTest {
		const result = report(made, this.#parts.wall.now());
		const { id, projectId } = made.webhook;
		const { status, responseCode, reason, failedBy } = result;
		const { detail } = made.outcome;
		if (status === "Failed") {
			this.#parts.observer.note("the test of a webhook failed", {
				projectId,
				webhookId: id,
				responseCode,
				reason: reason ?? "",
				failedBy: failedBy ?? "",
				...(detail !== null && { detail }),
			});
		}
		return result;
	}
}

function ownSample(webhook: ArmedWebhook): EventPayload {
	const data = { webhookId: webhook.id, message: "This is a test from Fanfare: your webhook works." };
	return { type: TEST_EVENT_TYPE, dataJson: JSON.stringify(data) };
}

function isSuccess(outcome: AttemptOutcome): boolean {
	return judge(outcome, 0).kind === "success";
}

function report(made: MadeAttempt, wallNow: number): WebhookTest {
	const { outcome, attemptCount } = made;
	const verdict = judge(outcome, wallNow);
	const body = outcome.response?.body ?? "";
	const isOurs = isOwnFailure(outcome.error);
	return {
		status: verdict.kind === "success" ? "Ok" : "Failed",
		responseCode: outcome.responseCode,
		latencyMs: Math.round(outcome.durationMs),
		attemptCount,
		body: body === "" ? null : body,
		reason: isOurs ? ownReason(outcome) : reasonOf(verdict),
		failedBy: verdict.kind === "success" ? null : isOurs ? "fanfare" : "receiver",
		exchange: exchangeOf(made),
	};
}

function exchangeOf({ webhook, request, outcome }: MadeAttempt): TestExchange {
	return {
		endpoint: request.url,
		requestHeaders: shownHeaders(webhook, request),
		requestBody: request.body,
		responseCode: outcome.responseCode,
		response: outcome.response,
	};
}

function ownReason({ error, reason }: AttemptOutcome): string {
	return `Fanfare could not make the attempt, which says nothing about the receiver: ${reason ?? error}`;
}

function reasonOf(verdict: ReturnType<typeof judge>): string | null {
	switch (verdict.kind) {
		case "success":
			return null;
		case "gone":
			return "the receiver responded with 410: the same response to an event would disable the webhook";
		case "failure":
			return verdict.reason;
	}
}
