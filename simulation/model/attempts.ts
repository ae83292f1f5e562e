// The attempts as the receivers see them. Each is checked at the moment at which it begins.
import { createHmac } from "node:crypto";

import type { Seen } from "@fanfare/testkit/checks/record";

import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import { DEFAULT_LIMITS } from "../../packages/server/src/engine/parts.ts";
import type { AttemptOutcome, AttemptRequest } from "../../packages/server/src/ports/sender.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { AttemptWatcher } from "../world/watchers.ts";
import type { World } from "../world/world.ts";
import { OWN, type Book, type WebhookModel } from "./book.ts";
import type { CustomerChecks } from "./customers.ts";
import type { LiveWatch } from "./live/live-watch.ts";
import { isTest, type TestWatch } from "./management/test-watch.ts";
import type { SharingWatch } from "./sharing-watch.ts";

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
	readonly sharing: SharingWatch;
	readonly tests: TestWatch;
}

export class Attempts implements AttemptWatcher {
	readonly #world: World;
	readonly #book: Book;
	readonly #customers: CustomerChecks;
	readonly #live: LiveWatch;
	readonly #sharing: SharingWatch;
	readonly #tests: TestWatch;
	readonly #seen: Request[] = [];
	/** Requests under way in runs that go on, and their pairs of event and webhook. */
	readonly #underWay = new Map<Request, { readonly run: RunScope; readonly pair: string }>();
	/** When the last attempt to each webhook ended, in monotonic time. */
	readonly #endedAt = new Map<string, number>();

	constructor(world: World, { book, customers, live, sharing, tests }: Models) {
		this.#world = world;
		this.#book = book;
		this.#customers = customers;
		this.#live = live;
		this.#sharing = sharing;
		this.#tests = tests;
	}

	/** All requests so far, in the order of their arrival. */
	get seen(): readonly Request[] {
		return this.#seen;
	}

	/** When the last attempt ended, in monotonic time. Infinity while one is under way. */
	get lastEndedAt(): number {
		this.#forgetEnded();
		return this.#underWay.size > 0 ? Infinity : Math.max(-Infinity, ...this.#endedAt.values());
	}

	/** Whether a request to this webhook is under way, or its outcome may still wait for a send. */
	isBusy(webhookId: string): boolean {
		this.#forgetEnded();
		const endedMs = this.#world.clock.monotonicMs() - (this.#endedAt.get(webhookId) ?? -Infinity);
		return endedMs <= OUTCOME_MS || this.#underWay.values().some(({ pair }) => pair.endsWith(webhookId));
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
		const over = this.#sharing.began(run, webhookId, eventId, seen);
		this.#underWay.set(seen, { run, pair: `${eventId} ${webhookId}` });
		this.#checkStart(run, webhook, webhookId, seen);
		return (came) => {
			this.#endedAt.set(webhookId, this.#world.clock.monotonicMs());
			this.#underWay.delete(seen);
			webhook.isGone ||= came.responseCode === 410;
			// An attempt that the server itself has cut short is made again, and its receiver may have got it.
			if (came.error !== "aborted" && run.alive) this.#live.attemptEnded(eventId, webhookId, came.responseCode);
			if (came.error === "aborted") seen.status = 0;
			else seen.certain = came.error !== "refused";
			over(came.error === "aborted");
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
		if (this.#world.sharing?.tenureOf(run)?.isCurrent === false) {
			this.#world.breach("ownership", `run ${run.number} has sent the test ${eventId}, and may not know of changes`);
		}
		return this.#tests.started(run, webhook, contentOf(request.body).type, eventId);
	}

	/** No answer comes to a run that has ended. */
	#forgetEnded(): void {
		for (const [request, { run }] of this.#underWay) if (!run.alive) this.#underWay.delete(request);
	}

	/** How many attempts of a pair are under way that must not be at the same time. */
	#underWayOf(pair: string): number {
		if (this.#world.sharing !== null) return this.#sharing.underWay(pair);
		this.#forgetEnded();
		return this.#underWay
			.values()
			.filter((request) => request.pair === pair)
			.toArray().length;
	}

	/** Whether what has happened in one run counts for attempts of another. With one engine, each run goes by the store. */
	#counts(inRun: number | null | undefined, { number }: RunScope): boolean {
		return inRun === number || (this.#world.sharing !== null && typeof inRun === "number");
	}

	/** What must be true when an attempt begins. The store is read as it is at this moment. */
	#checkStart(run: RunScope, webhook: WebhookModel, webhookId: string, { eventId }: Seen): void {
		const what = `${eventId} to ${webhookId}`;
		if (this.#counts(webhook.stoppedIn, run)) {
			this.#world.breach("stopped", `${what} was attempted after the webhook was paused or deleted`);
		}
		void this.#checkDeliveries(run, webhook, webhookId, eventId);
	}

	async #checkDeliveries(run: RunScope, webhook: WebhookModel, webhookId: string, eventId: string): Promise<void> {
		const what = `${eventId} to ${webhookId}`;
		// What is acknowledged while the deliveries are read comes too late for this attempt.
		const cancelledBefore = new Set(this.#book.surelyCancelled.keys());
		const event = this.#book.events.get(eventId);
		// Whoever deletes a customer may die before it has told the other engines of a step.
		const areTold = this.#world.sharing === null || event?.erasedWithCustomer !== true;
		const erasedBefore = event?.erased === true && areTold;
		const isDoubled = this.#sharing.isDoubled(eventId, webhookId);
		const scope = projectScope(webhook.project.id);
		const deliveries = (await this.#world.store.eventDeliveries(scope, eventId, [webhookId])) ?? [];
		const underWay = this.#underWayOf(`${eventId} ${webhookId}`);
		if (underWay > deliveries.length) {
			this.#world.breach("twice at once", `${what}: ${underWay} attempts at once, ${deliveries.length} deliveries`);
		}
		if (deliveries.length > 0 && !isDoubled && deliveries.every(({ status }) => status === "Succeeded")) {
			this.#world.breach("duplicates", `${what} was attempted although it is Succeeded`);
		}
		// What was handed to this engine may come after its cancellation.
		const isCancelled = ({ deliveryId: id }: { readonly deliveryId: string }) =>
			cancelledBefore.has(id) &&
			this.#counts(this.#book.surelyCancelled.get(id), run) &&
			!this.#sharing.isLeasedByOther(id);
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
