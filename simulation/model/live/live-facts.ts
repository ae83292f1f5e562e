// What the live stream of a project must report: the facts that follow from a call of the store.
import { projectScope } from "../../../packages/server/src/core/access/principal.ts";
import type { DeliveryChange } from "../../../packages/server/src/core/delivery.ts";
import type { LiveItem, LiveKind } from "../../../packages/server/src/core/live.ts";
import type { Replay } from "../../../packages/server/src/core/replay.ts";
import type { CommitBatch, CommitResult } from "../../../packages/server/src/ports/store/accept.ts";
import type { CustomerDeletionStep } from "../../../packages/server/src/ports/store/customers.ts";
import type { WebhookRecord } from "../../../packages/server/src/ports/store/directory.ts";
import type { SweepStep } from "../../../packages/server/src/ports/store/queue.ts";
import type { NewReplay } from "../../../packages/server/src/ports/store/replays.ts";
import type { ErasureStep } from "../../../packages/server/src/ports/store/retention.ts";
import type { World } from "../../world/world.ts";
import type { Book } from "../book.ts";

/** Something that has happened in a project, as far as its stream tells it. */
export interface Fact {
	readonly projectId: string;
	readonly kind: LiveKind;
	/** What an item says about it: see `textOf`. */
	readonly text: string;
	/** Null if its items have none. */
	readonly webhookId: string | null;
	readonly eventType: string | null;
	/** False if it need not be reported. */
	readonly required: boolean;
}

type Names = Pick<Fact, "projectId" | "webhookId" | "eventType">;

const STATUS_AFTER: { readonly [Type in DeliveryChange["type"]]?: string } = {
	hold: "Held",
	resume: "Pending",
	cancel: "Cancelled",
};

export class LiveFacts {
	readonly #world: World;
	readonly #book: Book;
	readonly #names = new Map<string, Names>();
	/** The names of replays. */
	readonly #replays = new Map<string, Names>();

	constructor(world: World, book: Book) {
		this.#world = world;
		this.#book = book;
	}

	/** The facts that follow from a call that the store has executed. To be called for every call. */
	async of(name: string, parameters: readonly unknown[], result: unknown): Promise<readonly Fact[]> {
		switch (name) {
			case "insertWebhook":
				return typeof result === "number" ? this.#webhook(parameters[0] as WebhookRecord, true) : [];
			case "updateWebhook":
				return result === null ? [] : this.#webhook(parameters[0] as WebhookRecord, false);
			case "commit":
				return this.#committed(parameters[0] as CommitBatch, result as CommitResult);
			case "insertReplays":
				return result === null
					? (parameters[0] as readonly NewReplay[]).flatMap(({ replay }) => this.#replay(replay, true))
					: [];
			case "stepReplay": {
				const after = result as Replay | null;
				return after === null ? [] : this.#replay(after, after.status !== "Running");
			}
			case "cancelReplay":
				return result === true ? this.#cancelled(parameters[0] as string) : [];
			case "sweepWebhook":
				return this.#swept(parameters[0] as string, result as SweepStep);
			case "erasePayload":
			case "continueErasure":
				return this.#erased(result as ErasureStep | null);
			case "stepCustomerDeletion": {
				const step = result as CustomerDeletionStep;
				return step.kind === "erased" ? this.#erased(step) : [];
			}
			default:
				return [];
		}
	}

	/** The fact that an attempt has ended. */
	attemptEnded(eventId: string, webhookId: string, responseCode: number): readonly Fact[] {
		const event = this.#book.events.get(eventId);
		if (event === undefined) return [];
		const { projectId, type: eventType } = event;
		const text = `${eventId} ${webhookId} ${responseCode}`;
		return [{ projectId, kind: "attempt.finished", text, webhookId, eventType, required: true }];
	}

	#webhook({ id, projectId, status, deleteDate }: WebhookRecord, isNew: boolean): readonly Fact[] {
		const text = `${id} ${deleteDate === null ? status : "Deleted"}`;
		const kind = isNew ? "webhook.created" : "webhook.updated";
		return [{ projectId, kind, text, webhookId: id, eventType: null, required: true }];
	}

	/** The stream reports only a part of the progress of a replay. */
	#replay({ id, projectId, webhookId, status }: Replay, required: boolean): readonly Fact[] {
		this.#replays.set(id, { projectId, webhookId, eventType: null });
		return [{ projectId, kind: "replay.updated", text: `${id} ${status}`, webhookId, eventType: null, required }];
	}

	#cancelled(id: string): readonly Fact[] {
		const names = this.#replays.get(id);
		if (names === undefined) return [];
		return [{ ...names, kind: "replay.updated", text: `${id} Cancelled`, required: true }];
	}

	async #committed({ events, updates }: CommitBatch, result: CommitResult): Promise<readonly Fact[]> {
		const facts: Fact[] = [];
		for (const [index, { event }] of events.entries()) {
			if (result.events[index]?.kind !== "accepted") continue;
			const { id, projectId, type: eventType } = event;
			facts.push({ projectId, kind: "event.accepted", text: id, webhookId: null, eventType, required: true });
		}
		for (const [index, { deliveryId, change }] of updates.entries()) {
			const { state, changed } = result.updates[index] ?? { state: null, changed: false };
			const names = await this.#namesOf(deliveryId);
			if (state === null || names === undefined || (change.type === "release" && state.status === "Pending")) continue;
			// A change by hand that came too late is told to nobody, nor is the end of a lease of what was held meanwhile.
			if (change.type !== "attempted" && !changed) continue;
			const text = `${deliveryId} ${state.status} ${state.attemptCount}`;
			facts.push({ ...names, kind: "delivery.updated", text, required: true });
		}
		return facts;
	}

	#swept(webhookId: string, { change, count }: SweepStep): readonly Fact[] {
		const projectId = this.#book.webhook(webhookId)?.project.id;
		if (projectId === undefined || count === 0) return [];
		const text = `${webhookId} ${STATUS_AFTER[change.type]} ${count}`;
		return [{ projectId, kind: "deliveries.updated", text, webhookId, eventType: null, required: true }];
	}

	/** The server reads each delivery afterwards, so its status is not known here. */
	async #erased(step: Pick<ErasureStep, "cancelled"> | null): Promise<readonly Fact[]> {
		const facts: Fact[] = [];
		for (const id of step?.cancelled ?? []) {
			const names = await this.#namesOf(id);
			if (names !== undefined) facts.push({ ...names, kind: "delivery.updated", text: id, required: true });
		}
		return facts;
	}

	async #namesOf(deliveryId: string): Promise<Names | undefined> {
		const known = this.#names.get(deliveryId);
		if (known !== undefined) return known;
		for (const projectId of this.#book.projects.keys()) {
			const delivery = await this.#world.store.delivery(projectScope(projectId), deliveryId);
			if (delivery === null) continue;
			const { webhookId, eventType } = delivery;
			this.#names.set(deliveryId, { projectId, webhookId, eventType });
			return { projectId, webhookId, eventType };
		}
		return undefined;
	}
}

/** What an item says. The second text is a shorter one that it may count for, too. */
export function textsOf(item: LiveItem): readonly [string, string] {
	switch (item.kind) {
		case "event.accepted":
			return [item.eventId, item.eventId];
		case "attempt.finished": {
			const text = `${item.eventId} ${item.webhookId} ${item.responseCode}`;
			return [text, text];
		}
		case "delivery.updated":
			return [`${item.deliveryId} ${item.status} ${item.attemptCount}`, item.deliveryId];
		case "deliveries.updated": {
			const text = `${item.webhookId} ${item.status} ${item.count}`;
			return [text, text];
		}
		case "webhook.created":
		case "webhook.updated": {
			const text = `${item.webhookId} ${item.status}`;
			return [text, text];
		}
		case "replay.updated":
			return [`${item.replayId} ${item.status}`, item.replayId];
	}
}
