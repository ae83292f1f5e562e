// Watches the store: what each call must and must not have done, at the moment at which it was executed.
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import type { Project } from "../../packages/server/src/core/workspace.ts";
import type { CommitBatch, CommitResult, NewEvent } from "../../packages/server/src/ports/store/accept.ts";
import type { WebhookRecord } from "../../packages/server/src/ports/store/directory.ts";
import type { Claim, ClaimRequest } from "../../packages/server/src/ports/store/queue.ts";
import type { StoreWatcher } from "../world/watchers.ts";
import type { World } from "../world/world.ts";
import { numberIn } from "./attempts.ts";
import type { Book } from "./book.ts";
import type { DueTimes } from "./due-times.ts";
import { PurgeWatch } from "./purge-watch.ts";
import { readDeliveries } from "./read-log.ts";
import { ReplayWatch } from "./replay-watch.ts";
import { wants } from "./wants.ts";

export class Watch implements StoreWatcher {
	readonly #world: World;
	readonly #book: Book;
	readonly #dueTimes: DueTimes;
	readonly #purges: PurgeWatch;
	readonly #replays: ReplayWatch;
	/** The Pending deliveries of a webhook just before a claim. */
	#pending: readonly Delivery[] = [];

	constructor(world: World, book: Book, dueTimes: DueTimes) {
		this.#world = world;
		this.#book = book;
		this.#dueTimes = dueTimes;
		this.#purges = new PurgeWatch(world, book);
		this.#replays = new ReplayWatch(world, book);
	}

	async before(name: string, parameters: readonly unknown[]): Promise<void> {
		if (name === "claimDue") this.#pending = await this.#pendingOf((parameters[0] as ClaimRequest).webhookId);
		else await this.#purges.before(name, parameters);
	}

	async after(name: string, parameters: readonly unknown[], result: unknown): Promise<void> {
		switch (name) {
			case "initialize":
				this.#book.addProject(parameters[1] as Project);
				return;
			case "insertProject":
				this.#book.addProject(parameters[0] as Project);
				return;
			case "insertWebhook": {
				const { id, endpoint } = parameters[0] as WebhookRecord;
				this.#book.stored(new URL(endpoint).hostname, id);
				return;
			}
			case "commit":
				return this.#committed(parameters[0] as CommitBatch, result as CommitResult);
			case "claimDue":
				return this.#claimed(parameters[0] as ClaimRequest, result as Claim);
			case "insertReplay":
			case "stepReplay":
				return this.#replays.after(name, parameters, result);
			case "purgeEvents":
			case "purgePayloads":
			case "purgeDeletedProjects":
				return this.#purges.after(name, parameters);
			default:
		}
	}

	async #committed({ events, updates }: CommitBatch, result: CommitResult): Promise<void> {
		let records: readonly WebhookRecord[] | null = null;
		for (const [index, event] of events.entries()) {
			if (result.events[index]?.kind !== "accepted") continue;
			records ??= await this.#world.store.webhookRecords();
			this.#accepted(event, records);
		}
		for (const [index, { deliveryId, at }] of updates.entries()) {
			const state = result.updates[index];
			if (state) this.#dueTimes.note(deliveryId, state.nextAttemptAt, at);
		}
	}

	/** An event must have a delivery for each webhook that wants it at the moment of its commit, and for no other. */
	#accepted({ event, body, deliveries }: NewEvent, records: readonly WebhookRecord[]): void {
		const { id, projectId, type, createDate } = event;
		const n = numberIn(body);
		const named = this.#book.sends[n]?.webhookIds ?? null;
		const wanted = records.filter(
			(webhook) =>
				webhook.projectId === projectId &&
				webhook.deleteDate === null &&
				(named === null ? wants(webhook.eventTypes, type) : named.includes(webhook.id)),
		);
		const wantedBy = wanted.map((webhook) => webhook.id).sort();
		const made = deliveries.map(({ webhookId }) => webhookId).sort();
		if (made.join() !== wantedBy.join()) {
			this.#world.breach("matching", `${id} (${type}) was made for [${made.join()}], and [${wantedBy.join()}] want it`);
		}
		for (const { webhookId, state } of deliveries) {
			const isEnabled = wanted.find((webhook) => webhook.id === webhookId)?.status === "Enabled";
			if ((state.status === "Held") === isEnabled) {
				this.#world.breach("matching", `${id}: its delivery to ${webhookId} was ${state.status} at first`);
			}
		}
		this.#book.events.set(id, { id, n, projectId, type, createDate, wantedBy, eraseIssued: false, erased: false });
	}

	async #pendingOf(webhookId: string): Promise<readonly Delivery[]> {
		const webhook = this.#book.webhook(webhookId);
		if (webhook === undefined) return [];
		return readDeliveries(this.#world.store, webhook.project.id, { webhookId, status: "Pending" });
	}

	/** A claim returns only deliveries that are due and that nobody has leased. */
	#claimed({ now }: ClaimRequest, { deliveries }: Claim): void {
		const before = new Map(this.#pending.map((delivery) => [delivery.id, delivery]));
		for (const { id } of deliveries) {
			const delivery = before.get(id);
			if (delivery === undefined) {
				this.#world.breach("leases", `${id} was claimed although it is not Pending`);
			} else if ((delivery.leaseUntil ?? 0) > now) {
				this.#world.breach("leases", `${id} was claimed although it is leased until ${delivery.leaseUntil}, at ${now}`);
			} else if ((delivery.nextAttemptAt ?? Infinity) > now) {
				this.#world.breach("leases", `${id} was claimed although it is due at ${delivery.nextAttemptAt}, at ${now}`);
			}
		}
	}
}
