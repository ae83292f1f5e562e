// The attempts as the receivers see them. Each is checked at the moment at which it begins.
import { createHmac } from "node:crypto";

import type { Seen } from "@fanfare/testkit/checks/record";

import type { AttemptOutcome, AttemptRequest } from "../../packages/server/src/ports/sender.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { AttemptWatcher } from "../world/watchers.ts";
import type { World } from "../world/world.ts";
import { OWN, type Book, type WebhookModel } from "./book.ts";
import { readDeliveries } from "./read-log.ts";

interface Request extends Seen {
	status: number;
	certain: boolean;
}

export class Attempts implements AttemptWatcher {
	readonly #world: World;
	readonly #book: Book;
	readonly #seen: Request[] = [];
	/** Requests under way in the present run, by pair of event and webhook. */
	readonly #underWay = new Map<string, number>();
	#run: RunScope | null = null;

	constructor(world: World, book: Book) {
		this.#world = world;
		this.#book = book;
	}

	/** All requests so far, in the order of their arrival. */
	get seen(): readonly Request[] {
		return this.#seen;
	}

	/** Whether a request to this webhook is under way in the present run. */
	isBusy(webhookId: string): boolean {
		return this.#underWay.keys().some((pair) => pair.endsWith(webhookId));
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
		const seen: Request = {
			webhookId,
			eventId,
			n: numberIn(request.body),
			run: run.number,
			// Rates are measured in monotonic time.
			at: this.#world.clock.monotonicMs(),
			status: outcome.error === null ? outcome.responseCode : 0,
			certain: false,
			signature: this.#signature(webhook, request),
		};
		this.#seen.push(seen);
		this.#checkStart(run, webhook, webhookId, seen);
		const pair = this.#begin(run, seen);
		return (came) => {
			if (this.#run === run) this.#end(pair);
			// An attempt that the server itself has cut short is made again, and its receiver may have got it.
			if (came.error === "aborted") seen.status = 0;
			else seen.certain = came.error !== "refused";
			this.#world.trace.add("answer", `${host} ${eventId} ${came.responseCode} ${came.error ?? ""}`);
		};
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
		const reading = readDeliveries(this.#world.store, webhook.project.id, { eventId, webhookId });
		const deliveries = await reading;
		const underWay = this.#underWay.get(`${eventId} ${webhookId}`) ?? 0;
		if (underWay > deliveries.length) {
			this.#world.breach("twice at once", `${what}: ${underWay} attempts at once, ${deliveries.length} deliveries`);
		}
		if (deliveries.length > 0 && deliveries.every(({ status }) => status === "Succeeded")) {
			this.#world.breach("duplicates", `${what} was attempted although it is Succeeded`);
		}
		if (deliveries.every(({ id }) => this.#book.surelyCancelled.get(id) === run.number) && deliveries.length > 0) {
			this.#world.breach("cancelled", `${what} was attempted after its cancellation was acknowledged`);
		}
		if (this.#book.events.get(eventId)?.erased === true) {
			this.#world.breach("cancelled", `${what} was attempted after its payload was erased`);
		}
	}

	/** "ok", or what is wrong with the signature. */
	#signature({ secrets, newestSecret }: WebhookModel, { headers, body }: AttemptRequest): string {
		const timestamp = headers["webhook-timestamp"] ?? "";
		if (timestamp !== String(Math.floor(this.#world.clock.now() / 1_000))) return `signed at ${timestamp}`;
		const signatures = (headers["webhook-signature"] ?? "").split(" ");
		const signs = (secret: Uint8Array) => {
			const mac = createHmac("sha256", secret).update(`${headers["webhook-id"]}.${timestamp}.`).update(body);
			return signatures.includes(`v1,${mac.digest("base64")}`);
		};
		const isSigned = newestSecret === null ? secrets.some(signs) : signs(newestSecret);
		return isSigned ? "ok" : "not signed with the newest secret";
	}
}

/** The number of the event in this body; that of own events if it has none. */
export function numberIn(body: Uint8Array): number {
	const { data } = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as {
		readonly data: { readonly n?: number };
	};
	return data.n ?? OWN;
}
