// Webhooks: created, changed, tested and deleted here. A change is made in the store first, then in the directory, which
// tells the delivery line.
import type { AuditDraft } from "../../core/access/audit.ts";
import {
	customerOf,
	narrowed,
	projectOf,
	projectScope,
	wholeProject,
	type Scope,
} from "../../core/access/principal.ts";
import { SerialByKey } from "../../core/concurrency/serial-by-key.ts";
import { generateSecretBytes, secretHint } from "../../core/crypto/signing.ts";
import { counted, FanfareError, type ErrorCode } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { customerLimitsOf, type CustomerLimits } from "../../core/policies/customer-limits.ts";
import { HEALTHY, shownHealth, type ShownHealth } from "../../core/policies/webhook-health.ts";
import type { ArmedWebhook, Webhook, WebhookLimits } from "../../core/webhook.ts";
import type { AuditStore } from "../../ports/store/audit.ts";
import type { DirectoryStore, WebhookFilter, WebhookRecord } from "../../ports/store/directory.ts";
import type { StatsStore, WebhookActivity } from "../../ports/store/stats.ts";
import type { Change, Webhooks } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import { customerBeingDeleted, webhookNotFound } from "../directory/not-found.ts";
import { publicPart, sealHeaders, sealSecret } from "../directory/sealed-webhook.ts";
import { withSecret } from "../directory/secret-rotation.ts";
import type { KnownWebhook } from "../directory/webhook-table.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { ManyReleased } from "../many-released.ts";
import type { PartsOn } from "../parts.ts";
import type { OwnEvents } from "../reacting/own-events.ts";
import type { NewWebhook, WebhookPatch } from "../webhook-settings.ts";
import type { Conformance, ConformanceAsked, TestSample, WebhookTest } from "../webhook-test.ts";
import { auditEntry, withEntry, type MakeEntry } from "./changes/audit-entries.ts";
import { revisionConflict, retried, UNCHANGED } from "./changes/revisions.ts";
import {
	actorOf,
	checkNoRelay,
	DISABLED,
	kindOfChange,
	released,
	resetsHealth,
	RESUMED,
	type ChangeOptions,
	type RecordChange,
} from "./changes/webhook-changes.ts";
import { checkEndpoint, checkMayHaveKey, webhookRefused } from "./changes/webhook-refusals.ts";
import { writeInProject } from "./changes/write-in-project.ts";
import type { EventPayload, EventTypeCalls } from "./event-type-calls.ts";
import type { Trials } from "./trying/trials.ts";
import { latestOf, type TriedWebhook } from "./trying/tried-webhook.ts";

type Parts = Pick<
	PartsOn<DirectoryStore & AuditStore & StatsStore>,
	"store" | "clock" | "chance" | "ids" | "changeRates" | "sealer" | "guard" | "membership"
>;

type Limits = WebhookLimits & CustomerLimits;

interface Neighbours {
	readonly directory: Directory;
	readonly trials: Trials;
	readonly eventTypes: Pick<EventTypeCalls, "sample">;
	readonly live: LiveReporter;
	readonly ownEvents: Pick<OwnEvents, "emit">;
}

/** The webhooks of all projects. Changes of one webhook run one after the other. */
export class WebhookCalls implements Webhooks {
	readonly #parts: Parts;
	readonly #limits: Limits;
	readonly #near: Neighbours;
	readonly #changes = new SerialByKey();

	constructor(parts: Parts, limits: Limits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
	}

	async create(change: Change, settings: NewWebhook, secret: Uint8Array | null): Promise<Webhook> {
		const projectId = projectOf(change.scope);
		const customerId = customerOf(narrowed(change.scope, settings.customerId));
		this.#near.directory.project(projectId);
		checkEndpoint(this.#parts.guard, settings.endpoint, change.scope, customerId);
		if (settings.key !== null) checkMayHaveKey(change.scope);
		return this.createUnchecked(change, this.#parts.ids.make("webhook", this.#parts.clock.now()), settings, secret);
	}

	/**
	 * Adds a webhook with this id, also with an endpoint that nobody can register, such as that of a relay. `prepare` is called before it is
	 * added, and not if it is refused for a quota or a limit that this process knows.
	 */
	async createUnchecked(
		{ scope, audit }: Change,
		id: string,
		settings: NewWebhook,
		secret: Uint8Array | null,
		prepare?: () => Promise<void>,
	): Promise<Webhook> {
		const projectId = projectOf(scope);
		const customerId = customerOf(narrowed(scope, settings.customerId));
		const { chance, clock, sealer, store } = this.#parts;
		const now = clock.now();
		const { headers, ...plain } = settings;
		const key = secret ?? generateSecretBytes(chance);
		const record: Omit<WebhookRecord, "revision"> = {
			...plain,
			id,
			projectId,
			customerId,
			headerNames: Object.keys(headers),
			sealedHeaders: sealHeaders(headers, id, sealer),
			secrets: [sealSecret(key, 1, id, sealer, now)],
			secretHint: secretHint(key),
			secretOverlapUntil: null,
			status: "Enabled",
			disabledReason: null,
			pausedReason: null,
			createDate: now,
			updateDate: now,
			deleteDate: null,
		};
		const entry = auditEntry(this.#parts, audit, { objectId: id, projectId });
		const { directory } = this.#near;
		const insert = () => store.insertWebhook({ ...record, revision: 0 }, entry, this.#limits);
		const add = async (): Promise<WebhookRecord> => {
			this.#checkRoom(projectId, customerId);
			await prepare?.();
			const revision = await writeInProject(directory, projectId, insert);
			if (typeof revision !== "number") throw webhookRefused(revision, record.customerId, this.#limits);
			await directory.putWebhook({ ...record, revision });
			return { ...record, revision };
		};
		// One after the other for a customer, so that two at once do not pass its limit together.
		const added = await (customerId === null ? add() : this.#changes.run(`${projectId} ${customerId}`, add));
		this.#near.live.webhookCreated(added);
		this.#report(added, "created", audit);
		return this.#shown(added);
	}

	async list(scope: Scope, filter: WebhookFilter, page: PageRequest): Promise<Page<Webhook>> {
		this.#near.directory.project(projectOf(narrowed(scope, filter.customerId)));
		const { rows, ...edges } = await this.#parts.store.webhooks(scope, filter, page);
		return { ...edges, rows: rows.map((webhook) => this.#shown(webhook)) };
	}

	async get(scope: Scope, webhookId: string): Promise<Webhook> {
		return this.#shown(await this.#near.directory.record(scope, webhookId));
	}

	async health(webhooks: readonly Webhook[]): Promise<readonly ShownHealth[]> {
		const { clock, store } = this.#parts;
		const stored = await store.webhookHealth(webhooks.map(({ id }) => id));
		return webhooks.map((webhook, index) => shownHealth(stored[index] ?? HEALTHY, webhook, clock.now()));
	}

	activity(scope: Scope, webhookIds: readonly string[]): Promise<readonly WebhookActivity[]> {
		return this.#parts.store.webhookActivity(scope, webhookIds);
	}

	async update(change: Change, webhookId: string, patch: WebhookPatch): Promise<Webhook> {
		const { revision = null, ...settings } = patch;
		const { headers, retries, ...plain } = settings;
		if (settings.key !== undefined) checkMayHaveKey(change.scope);
		const make: RecordChange = (record) => {
			if (Object.keys(settings).length === 0) return record;
			// An endpoint that was accepted once may stay, also if the operator's rules have changed.
			if (plain.endpoint !== undefined && plain.endpoint !== record.endpoint) {
				checkNoRelay(record, "spec.endpoint");
				checkEndpoint(this.#parts.guard, plain.endpoint, change.scope, record.customerId);
			}
			return {
				...record,
				...plain,
				retries: { ...record.retries, ...retries },
				...(headers !== undefined && {
					headerNames: Object.keys(headers),
					sealedHeaders: sealHeaders(headers, webhookId, this.#parts.sealer),
				}),
			};
		};
		return this.change(change, webhookId, make, { wanted: revision });
	}

	updateSecret(change: Change, webhookId: string, secret: Uint8Array, overlapMs: number | null): Promise<Webhook> {
		const { sealer } = this.#parts;
		return this.change(change, webhookId, (record, now) => {
			checkNoRelay(record, "contents");
			return withSecret(record, secret, overlapMs, { sealer, now });
		});
	}

	async test(change: Change, webhookId: string, asked: TestSample | null): Promise<WebhookTest> {
		const sample = asked === null ? null : await this.#sample(change, webhookId, asked);
		const { webhook, ...tried } = await this.#tried(change, webhookId);
		return this.#near.trials.tester.test(webhook, sample, tried);
	}

	async conform(change: Change, webhookId: string, asked: ConformanceAsked): Promise<Conformance> {
		const isOwn = asked.eventType === null && asked.dataJson === null;
		const sample = isOwn ? null : await this.#sample(change, webhookId, asked);
		const { webhook, ...tried } = await this.#tried(change, webhookId);
		return this.#near.trials.conformer.conform(webhook, { ...asked, sample }, tried);
	}

	#sample({ scope }: Change, webhookId: string, asked: TestSample): Promise<EventPayload> {
		this.#near.directory.webhookIn(scope, webhookId);
		return this.#near.eventTypes.sample(scope, asked);
	}

	/** The webhook as it is now, and what a trial of it needs. */
	async #tried(
		{ scope, audit }: Change,
		webhookId: string,
	): Promise<TriedWebhook & { readonly webhook: ArmedWebhook }> {
		const projectId = projectOf(scope);
		const { directory } = this.#near;
		directory.webhookIn(scope, webhookId);
		const latest = () => latestOf({ directory, membership: this.#parts.membership }, projectId, webhookId);
		const webhook = await latest();
		if (webhook === null) throw webhookNotFound();
		return {
			webhook,
			latest,
			maxPerCustomer: this.#limitsOfCustomers(projectId).maxTestsPerCustomer,
			// The entry is written first: nothing is sent that the log does not have.
			begin: async () => {
				const entry = auditEntry(this.#parts, audit, { objectId: webhookId, projectId });
				if (entry !== null) await this.#parts.store.insertAuditEntry(entry);
			},
		};
	}

	pause(change: Change, webhookId: string): Promise<Webhook> {
		return this.change(change, webhookId, (record) => {
			if (record.status === "Enabled") return { ...record, status: "Paused" };
			// A release no longer resumes what a person wants paused.
			return record.pausedReason === null ? record : { ...record, pausedReason: null };
		});
	}

	resume(change: Change, webhookId: string): Promise<Webhook> {
		return this.change(change, webhookId, (record) =>
			record.status === "Enabled" ? record : { ...record, ...RESUMED },
		);
	}

	release(change: Change, webhookId: string): Promise<Webhook> {
		return this.change(change, webhookId, released);
	}

	async releaseMany({ scope, audit }: Change): Promise<ManyReleased> {
		const projectId = wholeProject(scope);
		this.#near.directory.project(projectId);
		return this.#releaseAll(projectId, audit);
	}

	releaseAll(audit: AuditDraft | null): Promise<ManyReleased> {
		return this.#releaseAll(null, audit);
	}

	/** Releases the webhooks of a project, or (null) of all, one after the other, and each with an audit entry of its own. */
	async #releaseAll(meant: string | null, audit: AuditDraft | null): Promise<ManyReleased> {
		const waiting: KnownWebhook[] = [];
		for (const webhook of this.#near.directory.webhooks()) {
			const isMeant = meant === null || webhook.projectId === meant;
			if (webhook.pausedReason === "restored" && webhook.deleteDate === null && isMeant) waiting.push(webhook);
			if (waiting.length > MAX_RELEASED_PER_CALL) break;
		}
		let count = 0;
		for (const { id, projectId } of waiting.slice(0, MAX_RELEASED_PER_CALL)) {
			let changed = false;
			const change = { scope: projectScope(projectId), audit };
			const release = this.change(change, id, (record) => {
				const next = released(record);
				changed = next !== record;
				return next;
			});
			try {
				await release;
			} catch (error) {
				// Somebody has deleted it, or its project, meanwhile.
				if (!(error instanceof FanfareError && GONE.has(error.code))) throw error;
				changed = false;
			}
			if (changed) count += 1;
		}
		return { released: count, complete: waiting.length <= MAX_RELEASED_PER_CALL };
	}

	async delete(change: Change, webhookId: string): Promise<void> {
		await this.change(change, webhookId, (record, now) => ({ ...record, deleteDate: now }));
	}

	/**
	 * Disables a webhook and records that in the audit log. Does nothing if it is disabled or deleted, or if its revision
	 * is no longer `expected`.
	 */
	async disable(webhookId: string, reason: string, expected: number | null = null): Promise<void> {
		const found = this.#near.directory.webhook(webhookId);
		if (found === undefined || found.deleteDate !== null || found.status === "Disabled") return;
		let disabled = false;
		const change = { scope: projectScope(found.projectId), audit: DISABLED };
		const webhook = await this.change(change, webhookId, (record) => {
			disabled = record.status !== "Disabled" && (expected === null || record.revision === expected);
			return disabled ? { ...record, status: "Disabled", disabledReason: reason, pausedReason: null } : record;
		});
		if (!disabled) return;
		this.#near.ownEvents.emit(webhook, {
			type: "fanfare.webhook.disabled",
			data: { webhookId, name: webhook.name, reason },
		});
	}

	/**
	 * Reads, changes and writes one webhook, after earlier changes of the same one have ended; also for other parts of the engine. If
	 * another process has changed it meanwhile, the change is made again on what that process has written.
	 *
	 * Throws `revision_conflict` if the webhook does not have the wanted revision.
	 */
	change(
		{ scope, audit }: Change,
		webhookId: string,
		change: RecordChange,
		{ wanted = null, isAwaited = true }: ChangeOptions = {},
	): Promise<Webhook> {
		const { directory, live } = this.#near;
		const projectId = projectOf(scope);
		const attempt = async (makeEntry: MakeEntry): Promise<Webhook | typeof UNCHANGED> => {
			const record = await directory.record(scope, webhookId);
			// Another process has changed it: this one acts on that, too, also if there is nothing left to change.
			const known = directory.webhookIn(scope, webhookId);
			if (record.revision > known.revision) await directory.refresh("project", projectId);
			if (wanted !== null && record.revision !== wanted) throw revisionConflict("webhook", record.revision);
			const now = this.#parts.clock.now();
			const changed = change(record, now);
			const entry = makeEntry();
			if (changed === record) return this.#shown(record);
			const next = { ...changed, updateDate: Math.max(now, record.updateDate) };
			const resetHealth = resetsHealth(record, next);
			const options = { expected: record.revision, entry, resetHealth, limits: this.#limits };
			const revision = await this.#parts.store.updateWebhook(next, options);
			if (revision === null) return UNCHANGED;
			if (typeof revision !== "number") throw webhookRefused(revision, record.customerId, this.#limits);
			live.webhookUpdated(next);
			await directory.putWebhook({ ...next, revision }, { isAwaited });
			this.#report(next, kindOfChange(record, next), audit);
			return this.#shown({ ...next, revision });
		};
		const object = { objectId: webhookId, projectId };
		const refresh = () => directory.refresh("project", projectId);
		const tried = () => withEntry(this.#parts, audit, object, (entry) => retried(() => attempt(entry), refresh));
		return this.#changes.run(webhookId, tried);
	}

	/** Tells of a change that somebody has made; the server itself, which leaves no actor, tells of its own in other events. */
	#report(
		webhook: Webhook | WebhookRecord,
		kind: "created" | ReturnType<typeof kindOfChange>,
		audit: AuditDraft | null,
	): void {
		if (audit === null || (audit.keyId === null && audit.customerId === null)) return;
		const actor = actorOf(audit);
		const { id: webhookId, name } = webhook;
		this.#near.ownEvents.emit(webhook, { type: `fanfare.webhook.${kind}`, data: { webhookId, name, actor } });
	}

	/** The webhook as the API shows it: without write-only parts, and without an overlap of secrets that has ended. */
	#shown(webhook: Webhook | WebhookRecord): Webhook {
		const shown = publicPart(webhook);
		const { secretOverlapUntil } = shown;
		if (secretOverlapUntil === null || secretOverlapUntil > this.#parts.clock.now()) return shown;
		return { ...shown, secretOverlapUntil: null };
	}

	/** Throws `too_many_webhooks` if the customer has as many webhooks as it may have, or `customer_being_deleted`. */
	#checkRoom(projectId: string, customerId: string | null): void {
		if (customerId === null) return;
		if (this.#near.directory.isDeleting(projectId, customerId)) throw customerBeingDeleted(customerId, "customerId");
		const { maxWebhooksPerCustomer } = this.#limitsOfCustomers(projectId);
		if (this.#near.directory.webhooksOf(projectId, customerId).length < maxWebhooksPerCustomer) return;
		throw new FanfareError(
			"too_many_webhooks",
			`A customer has at most ${counted(maxWebhooksPerCustomer, "webhook")}. Delete some that are no longer needed, or ask the server's operator to raise ` +
				"maxWebhooksPerCustomer of the project.",
		);
	}

	#limitsOfCustomers(projectId: string): CustomerLimits {
		return customerLimitsOf(this.#limits, this.#near.directory.project(projectId));
	}
}

/** Each webhook is a transaction, so this many take some seconds at most. */
const MAX_RELEASED_PER_CALL = 500;
const GONE: ReadonlySet<ErrorCode> = new Set(["webhook_not_found", "project_not_found"]);
