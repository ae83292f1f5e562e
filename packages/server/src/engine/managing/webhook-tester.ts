// Tests of a webhook: sends a signed sample at once. It passes through no queue and is not in the delivery log.
import { FanfareError } from "../../core/errors.ts";
import { buildBody } from "../../core/event.ts";
import type { ArmedWebhook } from "../../core/webhook.ts";
import type { AttemptOutcome } from "../../ports/sender.ts";
import type { WebhookTest } from "../calls.ts";
import { buildRequest, judge } from "../delivering/attempt.ts";
import type { EngineParts } from "../parts.ts";
import type { EventPayload } from "./event-type-calls.ts";

type Parts = Pick<EngineParts, "sender" | "clock" | "wall" | "ids">;

const TEST_EVENT_TYPE = "fanfare.test";
const TOTAL_MS = 30_000;
const MAX_WAIT_MS = 1_000;
/** Retries of a test at most, however patient the webhook's policy is: the caller waits for the result. */
const MAX_TEST_RETRIES = 3;
/**
 * Tests under way at once, in all. A project may have at most as many of them as are still free, so that some always
 * are free for others.
 */
const MAX_TESTS = 64;

/** Sends samples to webhooks. The tests under way are limited, in all and for each project. */
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
	 * result, not an error. Nothing is sent before `begin` resolves, nor if it rejects.
	 */
	async test(
		webhook: ArmedWebhook,
		sample: EventPayload | null,
		begin: () => Promise<void> = () => Promise.resolve(),
	): Promise<WebhookTest> {
		const { projectId } = webhook;
		if ((this.#underWayOf.get(projectId) ?? 0) >= MAX_TESTS - this.#underWay) {
			throw new FanfareError("overloaded", "Too many webhooks are being tested. Try again in a few seconds.");
		}
		this.#count(projectId, 1);
		try {
			await begin();
			return await this.#attempts(webhook, sample ?? ownSample(webhook));
		} finally {
			this.#count(projectId, -1);
		}
	}

	#count(projectId: string, change: 1 | -1): void {
		this.#underWay += change;
		const ofProject = (this.#underWayOf.get(projectId) ?? 0) + change;
		if (ofProject === 0) this.#underWayOf.delete(projectId);
		else this.#underWayOf.set(projectId, ofProject);
	}

	async #attempts(webhook: ArmedWebhook, { type, dataJson }: EventPayload): Promise<WebhookTest> {
		const { clock, ids, wall } = this.#parts;
		const endAt = clock.monotonicMs() + TOTAL_MS;
		const now = clock.now();
		const event = { eventId: ids.make("evt", now), body: buildBody(type, now, dataJson) };
		const maxAttempts = 1 + Math.min(webhook.retries.maxRetries, MAX_TEST_RETRIES);
		for (let attemptCount = 1; ; attemptCount++) {
			const request = buildRequest(webhook, event, this.#userAgent, clock.now(), wall.now());
			const timeoutMs = Math.max(1, Math.min(request.timeoutMs, Math.floor(endAt - clock.monotonicMs())));
			const outcome = await this.#parts.sender.send({ ...request, timeoutMs });
			const waitMs = Math.min(MAX_WAIT_MS, webhook.retries.maxBackoffMs);
			// An aborted attempt was cut short by a stop of the engine: no other one may follow it.
			const isStopped = outcome.error === "aborted";
			const over = isStopped || attemptCount >= maxAttempts || clock.monotonicMs() + waitMs >= endAt;
			if (isSuccess(outcome) || over) return report(outcome, attemptCount, wall.now());
			await new Promise<void>((resolve) => clock.after(waitMs, resolve));
		}
	}
}

function ownSample(webhook: ArmedWebhook): EventPayload {
	const data = { webhookId: webhook.id, message: "This is a test from Fanfare: your webhook works." };
	return { type: TEST_EVENT_TYPE, dataJson: JSON.stringify(data) };
}

function isSuccess(outcome: AttemptOutcome): boolean {
	return judge(outcome, 0).kind === "success";
}

function report(outcome: AttemptOutcome, attemptCount: number, wallNow: number): WebhookTest {
	const verdict = judge(outcome, wallNow);
	const body = outcome.response?.body ?? "";
	return {
		status: verdict.kind === "success" ? "Ok" : "Failed",
		responseCode: outcome.responseCode,
		latencyMs: Math.round(outcome.durationMs),
		attemptCount,
		body: body === "" ? null : body,
		reason: reasonOf(verdict),
	};
}

function reasonOf(verdict: ReturnType<typeof judge>): string | null {
	switch (verdict.kind) {
		case "success":
			return null;
		case "gone":
			return "the receiver answered 410: the same response to an event would disable the webhook";
		case "failure":
			return verdict.reason;
	}
}
