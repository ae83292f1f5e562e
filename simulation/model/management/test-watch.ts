// Watches the tests of webhooks: their attempts, their results, and that they leave no trace in the log.
import type { AuditDraft } from "../../../packages/server/src/core/access/audit.ts";
import type { WebhookTest } from "../../../packages/server/src/engine/webhook-test.ts";
import type { AttemptOutcome } from "../../../packages/server/src/ports/sender.ts";
import type { RunScope } from "../../world/run-scope.ts";
import type { World } from "../../world/world.ts";
import type { WebhookModel } from "../book.ts";
import type { AuditBook } from "./audit-book.ts";

/** The number in the example of an event type. */
export const TEST = -2;
/** The type of the sample that is not the example of a type. */
const OWN_SAMPLE = "fanfare.test";

interface TestAttempt {
	readonly at: number;
	/** Null while it is under way. */
	outcome: AttemptOutcome | null;
	endedAt: number;
}

/** A test that was asked for. */
interface TestCall {
	readonly webhook: WebhookModel;
	/** The type of its sample. */
	readonly type: string;
	readonly audit: AuditDraft;
	readonly run: RunScope;
	/** The id of its event; null before its first attempt. */
	eventId: string | null;
	attempts: TestAttempt[];
}

const TOTAL_MS = 30_000;
const MAX_WAIT_MS = 1_000;
const MAX_RETRIES = 3;

export class TestWatch {
	readonly #world: World;
	readonly #audit: Pick<AuditBook, "has">;
	/** Tests whose calls are under way, the oldest first. */
	readonly #calls = new Set<TestCall>();
	readonly #eventIds = new Set<string>();

	constructor(world: World, audit: Pick<AuditBook, "has">) {
		this.#world = world;
		this.#audit = audit;
	}

	/** The ids of all events that tests have sent. None of them is in the log. */
	get eventIds(): ReadonlySet<string> {
		return this.#eventIds;
	}

	/** `type` is that of the sample; null for the server's own. */
	ask(run: RunScope, webhook: WebhookModel, type: string | null, audit: AuditDraft): TestCall {
		const call = { run, webhook, type: type ?? OWN_SAMPLE, audit, eventId: null, attempts: [] };
		this.#calls.add(call);
		return call;
	}

	/** The call was refused, lost with its run, or left in doubt. */
	over(call: TestCall): void {
		this.#calls.delete(call);
	}

	/** An attempt begins. Returns a function that is called with its outcome. */
	started(run: RunScope, webhook: WebhookModel, type: string, eventId: string): (outcome: AttemptOutcome) => void {
		const calls = [...this.#calls].filter((call) => isSame(call, { run, webhook, type }));
		const call = calls.find((known) => known.eventId === eventId) ?? calls.find((known) => known.eventId === null);
		if (call === undefined) {
			this.#breach(webhook, `the test ${eventId} has made an attempt that nobody has asked for`);
			return () => {};
		}
		call.eventId = eventId;
		this.#eventIds.add(eventId);
		const attempt: TestAttempt = { at: this.#world.clock.monotonicMs(), outcome: null, endedAt: 0 };
		this.#checkNext(call, attempt);
		call.attempts.push(attempt);
		void this.#checkEntry(call);
		return (outcome) => {
			attempt.outcome = outcome;
			attempt.endedAt = this.#world.clock.monotonicMs();
		};
	}

	/** The entry is written before anything is sent. */
	async #checkEntry({ webhook, audit, eventId }: TestCall): Promise<void> {
		if (!(await this.#audit.has(audit))) this.#breach(webhook, `the test ${eventId} has no audit entry yet`);
	}

	#checkNext({ webhook, attempts }: TestCall, { at }: TestAttempt): void {
		const before = attempts.at(-1);
		if (before === undefined) return;
		if (before.outcome === null) this.#breach(webhook, "a test has made two attempts at once");
		else if (isSuccess(before.outcome)) this.#breach(webhook, "a test went on after a success");
		if (at - before.endedAt > MAX_WAIT_MS && this.#world.sharing === null)
			this.#breach(webhook, `a test waited ${at - before.endedAt} ms`);
		if (attempts.length > Math.min(MAX_RETRIES, Math.max(...webhook.maxRetries))) {
			this.#breach(webhook, `a test has made attempt ${attempts.length + 1}`);
		}
	}

	/** The result must be what the receiver has seen. */
	answered(call: TestCall, result: WebhookTest): void {
		this.over(call);
		if (!this.#world.settings.answersInOrder) this.#attribute(call, result);
		const { webhook, attempts } = call;
		const last = attempts.at(-1);
		const outcome = last?.outcome ?? null;
		if (last === undefined || outcome === null) return this.#breach(webhook, "a test has ended before its attempt");
		const [told, seen] = [toldBy(result), seenBy(call)];
		if (told !== seen) this.#breach(webhook, `a test has returned "${told}", and "${seen}" was seen`);
		const tookMs = last.endedAt - (attempts[0]?.at ?? 0);
		// A process that stands still takes its time.
		if (tookMs > TOTAL_MS && this.#world.sharing === null) this.#breach(webhook, `a test took ${tookMs} ms`);
		const fewest = 1 + Math.min(MAX_RETRIES, ...webhook.maxRetries);
		const isDeleted = webhook.deleteIssued || webhook.project.deleteIssued;
		const isCutShort = outcome.error === "aborted" || isDeleted || tookMs + MAX_WAIT_MS >= TOTAL_MS;
		if (!isSuccess(outcome) && !isCutShort && attempts.length < fewest) {
			this.#breach(webhook, `a test gave up after ${attempts.length} attempts and ${tookMs} ms`);
		}
	}

	/**
	 * Two tests of one webhook at once look alike. If the store's answers overtake each other, the later one may be sent first,
	 * and its attempts were taken for those of the earlier one. Their results tell them apart.
	 */
	#attribute(call: TestCall, result: WebhookTest): void {
		const told = toldBy(result);
		if (seenBy(call) === told) return;
		const { run, webhook, type } = call;
		const other = [...this.#calls].find((known) => isSame(known, { run, webhook, type }) && seenBy(known) === told);
		if (other === undefined) return;
		[call.eventId, other.eventId] = [other.eventId, call.eventId];
		[call.attempts, other.attempts] = [other.attempts, call.attempts];
	}

	#breach({ number }: WebhookModel, text: string): void {
		this.#world.breach("tests", `w${number}: ${text}`);
	}
}

/** Whether a request is one of a test. */
export function isTest({ type, n }: { readonly type: string; readonly n: number }): boolean {
	return type === OWN_SAMPLE || n === TEST;
}

/** Whether a call asked for a test of this webhook with this sample, in this run. */
function isSame(call: TestCall, { run, webhook, type }: Pick<TestCall, "run" | "webhook" | "type">): boolean {
	return call.run === run && call.webhook === webhook && call.type === type;
}

function toldBy({ status, responseCode, latencyMs, attemptCount, reason }: WebhookTest): string {
	return `${status} ${responseCode} ${latencyMs} ${attemptCount} ${reason === null}`;
}

/** What a test that ends now must return; null while its last attempt has not ended. */
function seenBy({ attempts }: TestCall): string | null {
	const outcome = attempts.at(-1)?.outcome ?? null;
	if (outcome === null) return null;
	const isOk = isSuccess(outcome);
	return `${isOk ? "Ok" : "Failed"} ${outcome.responseCode} ${outcome.durationMs} ${attempts.length} ${isOk}`;
}

function isSuccess({ error, responseCode }: AttemptOutcome): boolean {
	return error === null && responseCode >= 200 && responseCode <= 299;
}
