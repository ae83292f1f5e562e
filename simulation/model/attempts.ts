// The attempts as the receivers see them. Each is checked at the moment at which it begins.
import { createHmac } from "node:crypto";

import type { Seen } from "@fanfare/testkit/checks/record";

import { DEFAULT_LIMITS } from "../../packages/server/src/engine/parts.ts";
import type { AttemptOutcome, AttemptRequest } from "../../packages/server/src/ports/sender.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { AttemptWatcher } from "../world/watchers.ts";
import type { World } from "../world/world.ts";
import { OWN, type Book, type WebhookModel } from "./book.ts";
import type { CustomerChecks } from "./customers.ts";
import type { LiveWatch } from "./live/live-watch.ts";
import { isTest, type TestWatch } from "./management/test-watch.ts";
import { readDeliveries } from "./read-log.ts";

/** So long after an attempt may its outcome wait for a send to share its commit: a crash repeats what has waited. */
export const OUTCOME_MS = DEFAULT_LIMITS.rideMs;

interface Request extends Seen {
	status: number;
	certain: boolean;
}

/** What is told of the attempts. */
interface Models {
	readonly book: Book;
	readonly customers: CustomerChecks;
	readonly live: LiveWatch;
	readonly tests: TestWatch;
}

export class Attempts implements AttemptWatcher {
	readonly #world: World;
	readonly #book: Book;
	readonly #customers: CustomerChecks;
	readonly #live: LiveWatch;
	readonly #tests: TestWatch;
	readonly #seen: Request[] = [];
	/** Requests under way in the present run, by pair of event and webhook. */
	readonly #underWay = new Map<string, number>();
	#run: RunScope | null = null;
	/** When the last attempt to each webhook ended, in monotonic time. */
	readonly #endedAt = new Map<string, number>();

	constructor(world: World, { book, customers, live, tests }: Models) {
		this.#world = world;
		this.#book = book;
		this.#customers = customers;
		this.#live = live;
		this.#tests = tests;
	}

	/** All requests so far, in the order of their arrival. */
	get seen(): readonly Request[] {
		return this.#seen;
	}

	/** When the last attempt ended, in monotonic time. Infinity while one is under way in the present run. */
	get lastEndedAt(): number {
		return this.#underWay.size > 0 ? Infinity : Math.max(-Infinity, ...this.#endedAt.values());
	}

	/** Whether a request to this webhook is under way in the present run, or its outcome may still wait for a send. */
	isBusy(webhookId: string): boolean {
		const endedMs = this.#world.clock.monotonicMs() - (this.#endedAt.get(webhookId) ?? -Infinity);
		return endedMs <= OUTCOME_MS || this.#underWay.keys().some((pair) => pair.endsWith(webhookId));
	}

	isDelivery({ body }: AttemptRequest): boolean {
		return !isTest(contentOf(body));
	}

	started(
		run: RunScope,
		host: string,
		request: AttemptRequest,
		outcome: AttemptOutcome,
	): (outcome: AttemptOutcome) => void {
		const webhook = this.#book.webhookAt(host);
		const eventId = request.headers["webhook-id"] ?? "";
		const webhookId = webhook?.id ?? null;
		this.#world.trace.add("attempt", `${host} ${eventId} ${outcome.responseCode} ${outcome.error ?? ""}`);
		if (webhook === undefined || webhookId === null) {
			this.#world.breach("wrong state", `a request came to ${request.url}, which no webhook in the store has`);
			return () => {};
		}
		if (!this.isDelivery(request)) return this.#testStarted(run, webhook, request, eventId);
		const seen: Request = {
			webhookId,
			eventId,
			n: numberIn(request.body),
			run: run.number,
			// Rates are measured in monotonic time.
			at: this.#world.clock.monotonicMs(),
			status: outcome.error === null ? outcome.responseCode : 0,
			certain: false,
			signature: this.#signature(run, webhook, request),
		};
		this.#seen.push(seen);
		this.#customers.attempted(webhook, eventId);
		this.#checkStart(run, webhook, webhookId, seen);
		const pair = this.#begin(run, seen);
		return (came) => {
			this.#endedAt.set(webhookId, this.#world.clock.monotonicMs());
			if (this.#run === run) this.#end(pair);
			webhook.isGone ||= came.responseCode === 410;
			// An attempt that the server itself has cut short is made again, and its receiver may have got it.
			if (came.error !== "aborted" && run.alive) this.#live.attemptEnded(eventId, webhookId, came.responseCode);
			if (came.error === "aborted") seen.status = 0;
			else seen.certain = came.error !== "refused";
			this.#world.trace.add("answer", `${host} ${eventId} ${came.responseCode} ${came.error ?? ""}`);
		};
	}

	#testStarted(
		run: RunScope,
		webhook: WebhookModel,
		request: AttemptRequest,
		eventId: string,
	): (outcome: AttemptOutcome) => void {
		const signature = this.#signature(run, webhook, request);
		if (signature !== "ok") this.#world.breach("signatures", `the test ${eventId} to ${webhook.id}: ${signature}`);
		return this.#tests.started(run, webhook, contentOf(request.body).type, eventId);
	}

	#begin(run: RunScope, { eventId, webhookId }: Seen): string {
		if (this.#run !== run) {
			this.#run = run;
			this.#underWay.clear();
		}
		const pair = `${eventId} ${webhookId}`;
		this.#underWay.set(pair, (this.#underWay.get(pair) ?? 0) + 1);
		return pair;
	}

	#end(pair: string): void {
		const count = (this.#underWay.get(pair) ?? 0) - 1;
		if (count > 0) this.#underWay.set(pair, count);
		else this.#underWay.delete(pair);
	}

	/** What must be true when an attempt begins. The store is read as it is at this moment. */
	#checkStart(run: RunScope, webhook: WebhookModel, webhookId: string, { eventId }: Seen): void {
		const what = `${eventId} to ${webhookId}`;
		if (webhook.stoppedIn === run.number) {
			this.#world.breach("stopped", `${what} was attempted after the webhook was paused or deleted`);
		}
		void this.#checkDeliveries(run, webhook, webhookId, eventId);
	}

	async #checkDeliveries(run: RunScope, webhook: WebhookModel, webhookId: string, eventId: string): Promise<void> {
		const what = `${eventId} to ${webhookId}`;
		// What is acknowledged while the deliveries are read comes too late for this attempt.
		const cancelledBefore = new Set(this.#book.surelyCancelled.keys());
		const erasedBefore = this.#book.events.get(eventId)?.erased === true;
		const reading = readDeliveries(this.#world.store, webhook.project.id, { eventId, webhookId });
		const deliveries = await reading;
		const underWay = this.#underWay.get(`${eventId} ${webhookId}`) ?? 0;
		if (underWay > deliveries.length) {
			this.#world.breach("twice at once", `${what}: ${underWay} attempts at once, ${deliveries.length} deliveries`);
		}
		if (deliveries.length > 0 && deliveries.every(({ status }) => status === "Succeeded")) {
			this.#world.breach("duplicates", `${what} was attempted although it is Succeeded`);
		}
		const isCancelled = ({ id }: { readonly id: string }) =>
			cancelledBefore.has(id) && this.#book.surelyCancelled.get(id) === run.number;
		if (deliveries.every(isCancelled) && deliveries.length > 0) {
			this.#world.breach("cancelled", `${what} was attempted after its cancellation was acknowledged`);
		}
		if (erasedBefore) {
			this.#world.breach("cancelled", `${what} was attempted after its payload was erased`);
		}
	}

	/** "ok", or what is wrong with the signatures. */
	#signature(run: RunScope, { secrets }: WebhookModel, { headers, body }: AttemptRequest): string {
		const timestamp = headers["webhook-timestamp"] ?? "";
		if (timestamp !== String(Math.floor(this.#world.clock.now() / 1_000))) return `signed at ${timestamp}`;
		const signatures = (headers["webhook-signature"] ?? "").split(" ");
		return secrets.check(signatures, run.now(), (secret) => {
			const mac = createHmac("sha256", secret).update(`${headers["webhook-id"]}.${timestamp}.`).update(body);
			return `v1,${mac.digest("base64")}`;
		});
	}
}

/** The number of the event in this body; that of own events if it has none. */
export function numberIn(body: Uint8Array): number {
	return contentOf(body).n;
}

function contentOf(body: Uint8Array): { readonly type: string; readonly n: number } {
	const { type, data } = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as {
		readonly type: string;
		readonly data: { readonly n?: number };
	};
	return { type, n: data.n ?? OWN };
}
