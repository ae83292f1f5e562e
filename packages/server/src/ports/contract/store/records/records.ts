// Test data for the contract of a store: records of every kind, and a store that has some of them.
import { systemChance } from "../../../../adapters/system/system-chance.ts";
import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { EventCustomers } from "../../../../core/access/customer.ts";
import { generateSecretKey, keyDigest, type ApiKey } from "../../../../core/access/key.ts";
import { projectScope, type Scope } from "../../../../core/access/principal.ts";
import type {
	Attempt,
	AttemptTrigger,
	AttemptVerdict,
	DeliveryChange,
	DeliveryState,
} from "../../../../core/delivery.ts";
import { newDelivery } from "../../../../core/delivery.ts";
import type { EventType } from "../../../../core/event-type.ts";
import type { EventTargets } from "../../../../core/event.ts";
import { createIdMaker, deliveryIdAt, makeProjectId, makeWorkspaceId } from "../../../../core/ids.ts";
import { causeOf } from "../../../../core/log/attempt-cause.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import { NO_CUSTOMER_LIMITS } from "../../../../core/policies/customer-limits.ts";
import type { RetryPolicy } from "../../../../core/policies/retry-policy.ts";
import { FIRST_VERSION, type Project } from "../../../../core/workspace.ts";
import type { CommitResult, DeliveryUpdate, NewEvent } from "../../../store/accept.ts";
import type { AuditFilter } from "../../../store/audit.ts";
import type { WebhookRecord } from "../../../store/directory.ts";
import type { StoreIdentity } from "../../../store/lifecycle.ts";
import type { DeliveryFilter, EventFilter, LoggedAttempt } from "../../../store/log.ts";
import type { Claim, ClaimRequest } from "../../../store/queue.ts";
import type { Purged, PurgeResult } from "../../../store/retention.ts";
import type { Store } from "../../../store/store.ts";
import { ANY_CHANGE } from "./logged.ts";
import { allWebhooks } from "./webhooks.ts";

export const POLICY: RetryPolicy = { maxRetries: 3, maxBackoffMs: 15_000 };
export const ANY_DELIVERY: DeliveryFilter = {
	...ANY_CHANGE,
	eventId: null,
	statuses: null,
	after: null,
	before: null,
};
export const ANY_ENTRY: AuditFilter = {
	keyId: null,
	projectId: null,
	objectId: null,
	action: null,
	after: null,
	before: null,
};
export const ANY_EVENT: EventFilter = { types: null, after: null, before: null };
export const NEWEST: PageRequest = { limit: 1_000, cursor: null };
/** A time of steps for which every event of the tests is older than the horizon. */
export const LATE = 2_000_000_000_000;
/** The verdict of a receiver that wants no more attempts. */
export const GONE = { kind: "gone", responseCode: 410 } as const;
/** The revision of a record that is not stored yet. The store gives it one. */
const NOT_STORED = 0;
/** A verdict without what is null in it. */
type ShortVerdict = Pick<Extract<AttemptVerdict, { reason: null }>, "kind" | "responseCode">;

/** Fields of an event that differ from the defaults. */
export interface EventOptions {
	readonly projectId?: string;
	readonly type?: string;
	/** Null if omitted: the store does not compare it. */
	readonly projectVersion?: number | null;
	readonly body?: Uint8Array;
	readonly key?: string;
	readonly fingerprint?: Uint8Array;
	/** "everyone" if omitted. */
	readonly targets?: EventTargets;
	readonly traceparent?: string;
	/** The event gets one delivery for each. If omitted, `Records.event` makes none. */
	readonly webhookIds?: readonly string[];
	/** The state of each delivery. If omitted: Pending and due now. */
	readonly state?: DeliveryState;
	readonly customers?: EventCustomers;
	readonly tags?: readonly string[];
}

/** Makes valid records for a store. `now` is the time at which they are made; the test moves it. */
export class Records {
	now = 1_800_000_000_000;
	readonly ids = createIdMaker(systemChance);
	readonly workspaceId = makeWorkspaceId(systemChance);

	identity(): StoreIdentity {
		const workspace = { id: this.workspaceId, name: "Acme", owner: "ops", tier: "self-hosted", createDate: this.now };
		return { workspace, masterKeyFingerprint: "00ff" };
	}

	project(name = "Project"): Project {
		return {
			id: makeProjectId(systemChance),
			workspaceId: this.workspaceId,
			name,
			eventTypes: "open",
			retentionDays: null,
			payloadRetentionDays: null,
			maxEventsPerSecond: null,
			maxStoredBytes: null,
			...NO_CUSTOMER_LIMITS,
			createDate: this.now,
			revision: FIRST_VERSION,
		};
	}

	key(scope: ApiKey["scope"] = "admin", projectId: string | null = null): ApiKey {
		const digest = keyDigest(generateSecretKey(systemChance));
		return {
			id: this.ids.make("key", this.now),
			name: "Key",
			scope,
			projectId,
			hint: "abcd",
			digest,
			olderSecrets: [],
			createDate: this.now,
			expireDate: null,
			revision: NOT_STORED,
		};
	}

	webhook(projectId: string, changes: Partial<WebhookRecord> = {}): WebhookRecord {
		return {
			id: this.ids.make("webhook", this.now),
			projectId,
			customerId: null,
			key: null,
			name: "Webhook",
			description: "Tells “them” — ünïcode",
			endpoint: "https://example.com/hook",
			retries: POLICY,
			eventTypes: ["a.b", "c.*"],
			timeoutMs: 15_000,
			rateLimit: { perSecond: 7 },
			disableAfterMs: 3_600_000,
			secretOverlapUntil: this.now + 1_000,
			metadata: { team: "a" },
			status: "Enabled",
			disabledReason: null,
			pausedReason: null,
			headerNames: ["x-one"],
			secretHint: "wxyz",
			createDate: this.now,
			updateDate: this.now,
			revision: NOT_STORED,
			secrets: [{ number: 1, sealed: Uint8Array.of(1, 2, 3), createDate: this.now, expireDate: null }],
			sealedHeaders: Uint8Array.of(9, 8),
			deleteDate: null,
			...changes,
		};
	}

	eventType(projectId: string, name: string, changes: Partial<EventType> = {}): EventType {
		return {
			projectId,
			name,
			description: "What “it” is — ünïcode",
			schemaJson: '{ "type": "object" }',
			exampleJson: '{"n": 1.0}',
			archived: false,
			visibility: "public",
			createDate: this.now,
			updateDate: this.now + 1,
			revision: NOT_STORED,
			...changes,
		};
	}

	/** The audit entry of a change. */
	entry(changes: Partial<AuditEntry> = {}): AuditEntry {
		return {
			id: this.ids.make("aud", this.now),
			at: this.now,
			keyId: null,
			actor: "ada@example.com",
			customerId: null,
			sessionId: null,
			portalSessionId: null,
			projectId: null,
			action: "webhook.update",
			objectId: "webhook_1",
			fields: ["name", "spec.endpoint"],
			requestId: "req_1",
			...changes,
		};
	}

	event(projectId: string, options: EventOptions = {}): NewEvent {
		const { type = "user.created", body = Buffer.from('{"n":1}'), key, webhookIds = [] } = options;
		const id = this.ids.makeEvent(webhookIds.length, this.now);
		return {
			event: {
				id,
				projectId,
				type,
				timestamp: this.now - 5,
				createDate: this.now,
				deliveryCount: webhookIds.length,
				customers: options.customers ?? null,
				tags: options.tags ?? [],
			},
			projectVersion: options.projectVersion ?? null,
			body,
			idempotency: key === undefined ? null : { key, fingerprint: options.fingerprint ?? Buffer.alloc(32, 7) },
			targets: options.targets ?? "everyone",
			traceparent: options.traceparent ?? null,
			deliveries: webhookIds.map((webhookId, index) => ({
				id: deliveryIdAt(id, index),
				webhookId,
				state: options.state ?? newDelivery(this.now, null),
			})),
		};
	}

	attempt(number: number, changes: Partial<Attempt> = {}): Attempt {
		return {
			id: this.ids.make("atm", this.now),
			number,
			trigger: "auto",
			startDate: this.now,
			durationMs: 12,
			responseCode: 200,
			error: null,
			reason: null,
			webhookRevision: null,
			firstByteMs: 7,
			connection: { remoteAddress: "203.0.113.7", certificateExpireDate: 1_900_000_000_000, opening: null },
			requestHeaders: { "webhook-id": "evt_1" },
			response: { headers: { server: "x" }, body: "ok \u0000 ✓", bodyTruncated: true },
			...changes,
			cause: causeOf({ error: null, cause: null, responseCode: 200, ...changes }),
		};
	}

	/** The update that records an attempt. Its verdict is a success if omitted, its trigger the schedule. */
	outcome(
		deliveryId: string,
		number: number,
		given: AttemptVerdict | ShortVerdict = { kind: "success", responseCode: 200 },
		trigger: AttemptTrigger = "auto",
	): DeliveryUpdate {
		const { now: at } = this;
		const verdict: AttemptVerdict = given.kind === "failure" ? given : { ...given, reason: null, retryAfterMs: null };
		const change = { type: "attempted", at, trigger, verdict, policy: POLICY, random: 0.5 } as const;
		return { deliveryId, change, attempt: this.attempt(number, { trigger, responseCode: verdict.responseCode }), at };
	}

	/** The update that records a failed attempt. */
	failure(deliveryId: string, number: number, responseCode = 500): DeliveryUpdate {
		return this.outcome(deliveryId, number, failureWith(responseCode));
	}

	/** The update that changes a delivery without an attempt. */
	change(deliveryId: string, change: DeliveryChange, entry: AuditEntry | null = null): DeliveryUpdate {
		return { deliveryId, change, attempt: null, at: this.now, entry };
	}

	/** The update that cancels a delivery. */
	cancel(deliveryId: string, entry: AuditEntry | null = null): DeliveryUpdate {
		return this.change(deliveryId, { type: "cancel", reason: "by hand" }, entry);
	}

	/** The update that asks for a retry by hand. */
	retry(deliveryId: string, entry: AuditEntry | null = null): DeliveryUpdate {
		return this.change(deliveryId, { type: "retry", at: this.now }, entry);
	}

	/** The update that records the failed attempt of a retry by hand. */
	failureByHand(deliveryId: string, number: number): DeliveryUpdate {
		return this.outcome(deliveryId, number, failureWith(500), "manual");
	}

	/** The updates that make a new delivery Failed, with one attempt on schedule and `count` retries by hand. */
	retriedByHand(deliveryId: string, count: number): DeliveryUpdate[] {
		const failed = this.outcome(deliveryId, 1, GONE);
		return [failed, ...Array.from({ length: count }, (_, index) => this.failureByHand(deliveryId, index + 2))];
	}
}

function failureWith(responseCode: number): AttemptVerdict {
	return { kind: "failure", responseCode, reason: "it broke", retryAfterMs: null };
}

/** Returns the open store of the running test. */
export type CurrentStore = () => Store;

/** Resolves when the current store has done what it may do after its answers. */
export type Flush = () => Promise<void>;

/** Closes the current store and opens its data again. Does nothing if the data of the store ends with it. */
export type Reopen = () => Promise<void>;

/** A store with one project and some webhooks, and short forms of frequent calls. */
export interface World {
	readonly store: Store;
	readonly records: Records;
	readonly projectId: string;
	/** The scope of the project. */
	readonly scope: Scope;
	readonly webhookIds: readonly string[];
	/** The first of `webhookIds`. */
	readonly webhookId: string;
	/**
	 * Commits an event with deliveries to `webhookIds`, or if omitted to the first webhook. Returns the ids of the
	 * deliveries.
	 */
	readonly accept: (options?: EventOptions) => Promise<string[]>;
	/** Commits this many events, as `accept` does. Returns the ids of all deliveries. */
	readonly acceptMany: (count: number, options?: EventOptions) => Promise<string[]>;
	readonly update: (...updates: readonly DeliveryUpdate[]) => Promise<CommitResult>;
	/** Claims the due deliveries of the first webhook for a minute, or what `changes` say. */
	readonly claim: (changes?: Partial<ClaimRequest>) => Promise<Claim>;
	/** Adds another project. */
	readonly addProject: () => Promise<Project>;
	/** Purges what is older than a time, in steps of about `limit` rows, until one is done. Returns what the steps have done. */
	readonly purge: (
		kind: "purgeEvents" | "purgePayloads",
		before: number,
		limit?: number,
	) => Promise<Purged & { readonly steps: number }>;
	/** Reads a delivery's state from the log, maybe without its lease; throws if there is no such delivery. */
	readonly state: (deliveryId: string) => Promise<DeliveryState>;
	/** A delivery's state with its lease. Its webhook must be Enabled. Throws if there is no such delivery. */
	readonly leased: (deliveryId: string) => Promise<DeliveryState>;
}

/** Initializes a new store and adds `webhookCount` webhooks. */
export async function fillStore(store: Store, webhookCount = 1): Promise<World> {
	const records = new Records();
	const project = records.project();
	await store.initialize(records.identity(), project, records.key());
	const webhooks = Array.from({ length: webhookCount }, () => records.webhook(project.id));
	for (const webhook of webhooks) await store.insertWebhook(webhook, null);
	const webhookIds = webhooks.map(({ id }) => id);
	const [webhookId = ""] = webhookIds;
	const scope = projectScope(project.id);
	const accept: World["accept"] = async (options = {}) => {
		const event = records.event(options.projectId ?? project.id, { webhookIds: [webhookId], ...options });
		await store.commit({ events: [event], updates: [] });
		return event.deliveries.map(({ id }) => id);
	};
	return {
		store,
		records,
		projectId: project.id,
		scope,
		webhookIds,
		webhookId,
		accept,
		async acceptMany(count, options) {
			const ids: string[] = [];
			for (let n = 0; n < count; n++) ids.push(...(await accept(options)));
			return ids;
		},
		claim(changes) {
			const { now } = records;
			const bounds = { limit: 100, maxBytes: 1_000_000, leaseUntil: now + 60_000 };
			return store.claimDue({ webhookId, now, ...bounds, ...changes });
		},
		async addProject() {
			const other = records.project();
			await store.insertProject(other, null);
			return other;
		},
		async purge(kind, before, limit = 100) {
			const sum = { events: 0, deliveries: 0, attempts: 0, payloads: 0, steps: 0 };
			let after: string | null = null;
			for (let done = false; !done; sum.steps++) {
				const result: PurgeResult = await store[kind]({ projectId: project.id, before, limit, at: LATE, after });
				for (const name of ["events", "deliveries", "attempts", "payloads"] as const) sum[name] += result.purged[name];
				({ after, done } = result);
			}
			return sum;
		},
		update: (...updates) => store.commit({ events: [], updates }),
		async state(deliveryId) {
			const delivery = await store.delivery(scope, deliveryId);
			if (delivery === null) throw new Error(`no delivery ${deliveryId}`);
			return stateOf(delivery);
		},
		async leased(deliveryId) {
			const { status } = (await store.delivery(scope, deliveryId)) ?? {};
			const at = records.now;
			// Neither changes a delivery in this status, and a commit returns the state.
			const change = status === "Pending" ? ({ type: "resume", at } as const) : ({ type: "hold", reason: "" } as const);
			const { updates } = await store.commit({ events: [], updates: [{ deliveryId, at, change, attempt: null }] });
			if (updates[0] === undefined || updates[0] === null) throw new Error(`no delivery ${deliveryId}`);
			return stateOf(updates[0].state);
		},
	};
}

/** Adds a webhook. Returns its record as it is stored. */
export async function addWebhook(store: Store, record: WebhookRecord): Promise<WebhookRecord> {
	const revision = await store.insertWebhook(record, null);
	if (typeof revision !== "number") throw new Error(`the webhook ${record.id} was not added`);
	return { ...record, revision };
}

/** Changes fields of a stored webhook. Returns its record as it is stored; throws if the given one is not up to date. */
export async function changeWebhook(
	store: Store,
	record: WebhookRecord,
	changes: Partial<WebhookRecord>,
): Promise<WebhookRecord> {
	const revision = await store.updateWebhook({ ...record, ...changes }, { expected: record.revision, entry: null });
	if (typeof revision !== "number")
		throw new Error(`the webhook ${record.id} does not have revision ${record.revision}`);
	return { ...record, ...changes, revision };
}

/** Changes fields of the webhook with this id, without a sweep. The webhook must not be deleted, unless deliveries of it wait. */
export async function setWebhook(store: Store, webhookId: string, changes: Partial<WebhookRecord>): Promise<void> {
	const record = (await allWebhooks(store)).find(({ id }) => id === webhookId);
	if (record === undefined) throw new Error(`no webhook ${webhookId}`);
	await changeWebhook(store, record, changes);
}

/** When the earliest Pending delivery of a webhook is due; null if it has none. */
export async function dueAt(store: Store, webhookId: string): Promise<number | null> {
	const due = await store.dueWebhooks(null);
	return due.find((webhook) => webhook.webhookId === webhookId)?.dueAt ?? null;
}

/** The fields of `DeliveryState` only, without those that the log adds. */
function stateOf(state: DeliveryState): DeliveryState {
	const { status, reason, attemptCount, autoAttemptCount, nextAttemptAt, leaseUntil } = state;
	const { trigger, scheduleResumesAt, responseCode } = state;
	return {
		status,
		reason,
		attemptCount,
		autoAttemptCount,
		nextAttemptAt,
		leaseUntil,
		trigger,
		scheduleResumesAt,
		responseCode,
	};
}

/** The newest attempts of a delivery, 1,000 at most, in the order of their numbers. */
export async function attemptsOf(
	{ store, scope }: { readonly store: Pick<Store, "attempts">; readonly scope: Scope },
	deliveryId: string,
): Promise<readonly Attempt[]> {
	const { rows } = await store.attempts(scope, deliveryId, NEWEST);
	return rows.map(withoutEndpoint).toReversed();
}

/** The attempt as it was written. */
function withoutEndpoint(logged: LoggedAttempt): Attempt {
	const { endpoint: _endpoint, ...attempt } = logged;
	return attempt;
}

export function idsOf(page: Page<{ readonly id: string }>): string[] {
	return page.rows.map(({ id }) => id);
}
