// Deletions of customers: makes their steps in the background. After a stop or a crash, the next start continues them.
import type { AuditAction, AuditDraft } from "../../core/access/audit.ts";
import { customerScope, projectScope } from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import { ERASED_REASON } from "../../core/policies/retention.ts";
import type { CustomerDeletionStep, CustomerStore, DeletingCustomer } from "../../ports/store/customers.ts";
import type { DutyWork } from "../../ports/tenure.ts";
import { settled } from "../committing/settled.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveHub } from "../live/live-hub.ts";
import { auditEntry } from "../managing/changes/audit-entries.ts";
import type { RecordChange } from "../managing/changes/webhook-changes.ts";
import type { WebhookCalls } from "../managing/webhook-calls.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import type { PortalSessionCalls } from "../portal/portal-session-calls.ts";
import type { OwnEvents } from "../reacting/own-events.ts";
import type { Erasures } from "./erasures.ts";
import { Periodic } from "./periodic.ts";
import type { Stepped, Stepper } from "./stepper.ts";

type Parts = Pick<PartsOn<CustomerStore>, "store" | "clock" | "ids" | "changeRates" | "observer" | "wire">;

interface Neighbours {
	readonly directory: Directory;
	readonly stepper: Stepper;
	readonly webhooks: Pick<WebhookCalls, "change">;
	readonly portalSessions: Pick<PortalSessionCalls, "revokeAll">;
	readonly erasures: Pick<Erasures, "erased">;
	readonly events: Pick<OwnEvents, "send">;
	readonly line: Pick<DeliveryLine, "look">;
	readonly live: Pick<LiveHub, "customerDeleted">;
}

/** Another process may have ended in the middle of a deletion. */
const EVERY_MS = 30_000;
/** How long a step waits for the sweep of a webhook. */
const SWEEP_MS = 20;
const MORE = { kind: "more" } as const;
const DONE = { kind: "done", result: undefined } as const;

/** What the audit log says when a deletion is over, which the server itself does. */
const ENDED: AuditDraft = {
	keyId: null,
	actor: null,
	customerId: null,
	portalSessionId: null,
	sessionId: null,
	action: "customer.deleted" satisfies AuditAction,
	fields: [],
	requestId: null,
};

/**
 * The duty to go on with deletions. Those that this process has begun go on in it, whoever has the duty. Each step is one transaction;
 * what is next follows from what the store still has. Until all other processes know what a step has changed, other jobs go on.
 */
export class CustomerDeletions implements DutyWork {
	readonly #parts: Parts;
	readonly #limits: Pick<EngineLimits, "eraseStep">;
	readonly #near: Neighbours;
	readonly #loop: Periodic;

	constructor(parts: Parts, limits: Pick<EngineLimits, "eraseStep">, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
		this.#loop = new Periodic(parts, {
			everyMs: EVERY_MS,
			work: () => this.#takeUp(),
			problem: "the customers that are being deleted could not be read",
		});
	}

	start(): void {
		void this.#loop.startNow();
	}

	/** Resolves when the look under way has ended. The stepper is stopped by the engine. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	/** Begins the steps of a deletion, of which the store knows, unless they are being made already. */
	begin(deleting: DeletingCustomer): void {
		const { customerId, projectId } = deleting;
		let hasEndedSessions = false;
		const step = async (rows: number): Promise<Stepped<void>> => {
			if (hasEndedSessions) return this.#step(deleting, rows);
			const stepped = await this.#endSessions(deleting);
			hasEndedSessions = true;
			return stepped;
		};
		const job = {
			key: `customer ${customerId}`,
			projectId,
			problem: "a customer could not be deleted completely; this is tried again",
			step: (rows: number) => step(rows).catch(unlessGone),
		};
		// A failure is reported by the stepper, which goes on.
		this.#near.stepper.run(job).catch(() => {});
	}

	async #takeUp(): Promise<void> {
		for (const deleting of await this.#parts.store.deletingCustomers(null)) this.begin(deleting);
	}

	async #endSessions({ projectId, customerId, draft }: DeletingCustomer): Promise<Stepped<void>> {
		const change = { scope: projectScope(projectId), audit: draftFor(draft, "portal_session.revoke_many") };
		const options = { isAwaited: false };
		const count = await this.#near.portalSessions.revokeAll(change, { customerId, keyId: null }, options);
		return count === 0 ? MORE : { kind: "more", after: this.#parts.wire.sessionsEnded() };
	}

	/** Deletes a webhook, or has the store erase something. */
	async #step(deleting: DeletingCustomer, rows: number): Promise<Stepped<void>> {
		const { projectId, customerId } = deleting;
		const { directory, erasures, line } = this.#near;
		const [webhook] = directory.webhooksOf(projectId, customerId);
		if (webhook !== undefined) return this.#deleteWebhook(deleting, webhook.id);
		const limit = Math.min(rows, this.#limits.eraseStep);
		const options = { limit, reason: ERASED_REASON, at: this.#parts.clock.now() };
		const { clock, store } = this.#parts;
		// What it has cancelled may be in memory.
		const made = store.stepCustomerDeletion(customerScope(projectId, customerId), options);
		const step = await settled(clock, made, () => this.#near.stepper.isStopped);
		switch (step.kind) {
			case "webhook":
				// Another process has made it, just before the deletion began.
				await directory.refresh("project", projectId);
				return this.#deleteWebhook(deleting, step.webhookId);
			case "waiting":
				line.look(step.webhookId);
				return { kind: "wait", ms: SWEEP_MS };
			case "erased":
				return { kind: "more", after: erasures.erased(projectId, step.cancelled) };
			case "done":
				return this.#end(deleting, step);
			case "over":
				await directory.refresh("project", projectId);
				return DONE;
		}
	}

	async #deleteWebhook({ projectId, draft }: DeletingCustomer, webhookId: string): Promise<Stepped<void>> {
		const change = { scope: projectScope(projectId), audit: draftFor(draft, "webhook.delete") };
		const deleted: RecordChange = (record, now) => ({ ...record, deleteDate: now });
		const { revision } = await this.#near.webhooks.change(change, webhookId, deleted, { isAwaited: false });
		return { kind: "more", after: this.#parts.wire.changed(projectId, revision) };
	}

	/** The event goes out first: after a crash in between, it goes out again. */
	async #end(
		{ projectId, customerId }: DeletingCustomer,
		{ webhookCount, deliveryCount, eventCount }: CustomerDeletionStep & { readonly kind: "done" },
	): Promise<Stepped<void>> {
		const { directory, events, live } = this.#near;
		const counts = { webhookCount, deliveryCount, eventCount };
		// It is for nobody but the product.
		await events.send(
			{ projectId, customerId: null },
			{ type: "fanfare.customer.deleted", data: { customerId, ...counts } },
		);
		const entry = auditEntry(this.#parts, ENDED, { objectId: customerId, projectId });
		const version = await this.#parts.store.endCustomerDeletion(customerScope(projectId, customerId), entry);
		// Nobody waits until the others take the customer's events again.
		if (version !== null) void directory.customerChanged(projectId, customerId, version, false);
		live.customerDeleted(projectId, customerId);
		this.#parts.observer.note("a customer was deleted", { projectId, customerId, ...counts });
		return DONE;
	}
}

/** The draft of the entry of one step, in the name of whoever has asked for the deletion. */
function draftFor(draft: AuditDraft | null, action: AuditAction): AuditDraft | null {
	return draft === null ? null : { ...draft, action, fields: [] };
}

/** The project may be deleted meanwhile, which ends it all, or somebody else may have deleted a webhook. */
function unlessGone(error: unknown): Stepped<void> {
	if (!(error instanceof FanfareError)) throw error;
	if (error.code === "project_not_found") return DONE;
	if (error.code === "webhook_not_found") return MORE;
	throw error;
}
