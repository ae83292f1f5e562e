// Watches the store: what each call must and must not have done, at the moment at which it was executed.
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import type { Project } from "../../packages/server/src/core/workspace.ts";
import type { CommitBatch, CommitResult, NewEvent } from "../../packages/server/src/ports/store/accept.ts";
import type { WebhookRecord, WebhookSummary } from "../../packages/server/src/ports/store/directory.ts";
import type { Claim, ClaimRequest, LongestWait } from "../../packages/server/src/ports/store/queue.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { StoreWatcher } from "../world/watchers.ts";
import type { World } from "../world/world.ts";
import { numberIn } from "./attempts.ts";
import { OWN, type Book } from "./book.ts";
import type { CustomerChecks } from "./customers.ts";
import type { DueTimes } from "./due-times.ts";
import type { LiveWatch } from "./live/live-watch.ts";
import type { AuditBook } from "./management/audit-book.ts";
import type { BulkCounts } from "./management/bulk-counts.ts";
import type { KeyChecks } from "./management/key-checks.ts";
import { PullInWatch } from "./pull-in-watch.ts";
import { PurgeWatch } from "./purge-watch.ts";
import { readDeliveries } from "./read-log.ts";
import { ReplayWatch } from "./replay-watch.ts";
import type { SharingWatch } from "./sharing-watch.ts";
import { reaches, wants } from "./wants.ts";

/** What is told of the calls. */
interface Models {
	readonly audit: AuditBook;
	readonly book: Book;
	readonly bulkCounts: BulkCounts;
	readonly customers: CustomerChecks;
	readonly dueTimes: DueTimes;
	readonly keys: KeyChecks;
	readonly live: LiveWatch;
	readonly sharing: SharingWatch;
}

export class Watch implements StoreWatcher {
	readonly #world: World;
	readonly #book: Book;
	readonly #dueTimes: DueTimes;
	readonly #audit: AuditBook;
	readonly #bulkCounts: BulkCounts;
	readonly #keys: KeyChecks;
	readonly #live: LiveWatch;
	readonly #sharing: SharingWatch;
	readonly #customers: CustomerChecks;
	readonly #purges: PurgeWatch;
	readonly #replays: ReplayWatch;
	/** Also told of each start. */
	readonly pullIns: PullInWatch;
	/** The Pending deliveries of a webhook just before a claim. */
	#pending: readonly Delivery[] = [];
	/** What was Pending for a webhook when the number of changes was `#pendingSince`: engines ask often while nothing changes. */
	readonly #pendingByWebhook = new Map<string, readonly Delivery[]>();
	#pendingSince = -1;

	constructor(world: World, { audit, book, bulkCounts, customers, dueTimes, keys, live, sharing }: Models) {
		this.#world = world;
		this.#audit = audit;
		this.#bulkCounts = bulkCounts;
		this.#book = book;
		this.#dueTimes = dueTimes;
		this.#keys = keys;
		this.#live = live;
		this.#sharing = sharing;
		this.#customers = customers;
		this.#purges = new PurgeWatch(world, book);
		this.#replays = new ReplayWatch(world, book);
		this.pullIns = new PullInWatch(world, book);
	}

	async before(name: string, parameters: readonly unknown[]): Promise<void> {
		await this.#audit.before(name);
		if (name === "claimDue") this.#pending = await this.#pendingOf((parameters[0] as ClaimRequest).webhookId);
		else if (name === "pullIn") await this.pullIns.before();
		else await this.#purges.before(name, parameters);
	}

	async after(run: RunScope, name: string, parameters: readonly unknown[], result: unknown): Promise<void> {
		await this.#audit.after(name, result);
		this.#customers.executed(name, parameters, result, run.number);
		await this.#note(run, name, parameters, result);
		await this.#live.executed(name, parameters, result);
	}

	async #note(run: RunScope, name: string, parameters: readonly unknown[], result: unknown): Promise<void> {
		switch (name) {
			case "initialize":
				this.#book.addProject(parameters[1] as Project);
				return;
			case "insertProject":
				this.#book.addProject(parameters[0] as Project);
				return;
			case "insertWebhook": {
				// Otherwise there was no room for it, or its customer was being deleted.
				if (typeof result !== "number") return;
				const { id, endpoint } = parameters[0] as WebhookRecord;
				this.#book.stored(new URL(endpoint).hostname, id);
				return;
			}
			case "updateWebhook":
				if (result !== null) this.#webhookChanged(run, parameters[0] as WebhookRecord);
				return;
			case "deleteKey":
				return this.#keys.keyGone();
			case "commit":
				return this.#committed(run, parameters[0] as CommitBatch, result as CommitResult);
			case "claimDue":
				this.#sharing.claimed(run, result as Claim);
				return this.#claimed(parameters[0] as ClaimRequest, result as Claim);
			case "pullIn":
				return this.pullIns.after(parameters[0] as number, parameters[1] as readonly LongestWait[]);
			case "insertReplays":
			case "stepReplay":
				return this.#replays.after(name, parameters, result);
			case "purgeEvents":
			case "purgePayloads":
			case "purgeDeletedProjects":
				return this.#purges.after(name, parameters);
			default:
		}
	}

	/** Only a response to a delivery disables a webhook: the same response to a test does not. */
	#webhookChanged(run: RunScope, { id, secretHint, status, disabledReason }: WebhookRecord): void {
		const webhook = this.#book.webhook(id);
		webhook?.secrets.stored(secretHint, run.now());
		if (status !== "Disabled" || disabledReason?.includes("410") !== true || webhook?.isGone === true) return;
		this.#world.breach("wrong state", `${id} was disabled (${disabledReason}), and no delivery was answered so`);
	}

	async #committed(run: RunScope, batch: CommitBatch, result: CommitResult): Promise<void> {
		await this.#sharing.committed(run, batch, result);
		const { events, updates } = batch;
		this.#bulkCounts.committed(batch, result);
		let webhooks: readonly WebhookSummary[] | null = null;
		for (const [index, event] of events.entries()) {
			if (result.events[index]?.kind !== "accepted") continue;
			// In one call: what is read is the state right after the commit.
			webhooks ??= await this.#world.store.webhookSummaries(null, Number.MAX_SAFE_INTEGER);
			this.#accepted(event, webhooks);
		}
		for (const [index, { deliveryId, at }] of updates.entries()) {
			const state = result.updates[index]?.state;
			if (state !== undefined) this.#dueTimes.note(deliveryId, state.nextAttemptAt, at);
		}
	}

	/** An event must have a delivery for each webhook that wants it at the moment of its commit, and for no other. */
	#accepted({ event, body, deliveries }: NewEvent, webhooks: readonly WebhookSummary[]): void {
		const { id, projectId, type, createDate } = event;
		const n = numberIn(body);
		const named = this.#book.sends[n]?.webhookIds ?? null;
		// Own events have the customer of the webhook that they are about.
		const customers = this.#book.sends[n]?.customers ?? (n === OWN ? event.customers : null);
		if (String(customers) !== String(event.customers)) {
			this.#world.breach("customers", `${id} is for ${String(event.customers)}, and was sent for ${String(customers)}`);
		}
		const wanted = webhooks.filter(
			(webhook) =>
				webhook.projectId === projectId &&
				webhook.deleteDate === null &&
				reaches(customers, webhook.customerId) &&
				(named === null ? wants(eventTypesOf(webhook), type) : named.includes(webhook.id)),
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
		const erasure = { eraseIssued: false, erased: false, erasedWithCustomer: false };
		this.#book.events.set(id, { id, n, projectId, type, createDate, customers, wantedBy, ...erasure });
	}

	async #pendingOf(webhookId: string): Promise<readonly Delivery[]> {
		const webhook = this.#book.webhook(webhookId);
		if (webhook === undefined) return [];
		const { changes, store } = this.#world;
		if (this.#pendingSince !== changes) this.#pendingByWebhook.clear();
		this.#pendingSince = changes;
		let pending = this.#pendingByWebhook.get(webhookId);
		if (pending === undefined) {
			pending = await readDeliveries(store, webhook.project.id, { webhookId, statuses: ["Pending"] });
			this.#pendingByWebhook.set(webhookId, pending);
		}
		return pending;
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
			} else if ((delivery.nextAttemptAt ?? Infinity) > now && !isUntried(delivery)) {
				this.#world.breach("leases", `${id} was claimed although it is due at ${delivery.nextAttemptAt}, at ${now}`);
			}
		}
	}
}

/** It is due since its event was accepted, also for a claim that was called before that and executed after it. */
function isUntried({ attemptCount, createDate, nextAttemptAt }: Delivery): boolean {
	return attemptCount === 0 && nextAttemptAt === createDate;
}

function eventTypesOf({ eventTypesJson }: WebhookSummary): readonly string[] | null {
	return eventTypesJson === null ? null : (JSON.parse(eventTypesJson) as string[]);
}
