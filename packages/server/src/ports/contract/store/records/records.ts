// Test data for the contract of a store: records of every kind, and a store that has some of them.
import { generateSecretKey, keyDigest, type ApiKey } from "../../../../core/crypto/key.ts";
import type { Attempt, AttemptVerdict, DeliveryState } from "../../../../core/delivery.ts";
import { newDelivery } from "../../../../core/delivery.ts";
import { createIdMaker, makeProjectId, makeWorkspaceId } from "../../../../core/ids.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { RetryPolicy } from "../../../../core/policies/retry-policy.ts";
import type { Project } from "../../../../core/workspace.ts";
import type { CommitResult, DeliveryUpdate, NewEvent } from "../../../store/accept.ts";
import type { WebhookRecord } from "../../../store/directory.ts";
import type { StoreIdentity } from "../../../store/lifecycle.ts";
import type { DeliveryFilter } from "../../../store/log.ts";
import type { Store } from "../../../store/store.ts";

export const POLICY: RetryPolicy = { maxRetries: 3, maxBackoffMs: 15_000 };
export const ANY_DELIVERY: DeliveryFilter = {
	webhookId: null,
	eventId: null,
	eventType: null,
	status: null,
	responseCode: null,
	after: null,
	before: null,
};
export const NEWEST: PageRequest = { limit: 1_000, cursor: null };
const SUCCESS: AttemptVerdict = { kind: "success", responseCode: 200 };

/** Fields of an event that differ from the defaults. */
export interface EventOptions {
	readonly projectId?: string;
	readonly type?: string;
	readonly body?: Uint8Array;
	readonly key?: string;
	readonly fingerprint?: Uint8Array;
	/** The event gets one delivery for each. If omitted, `Records.event` makes none. */
	readonly webhookIds?: readonly string[];
	/** The state of each delivery. If omitted: Pending and due now. */
	readonly state?: DeliveryState;
}

/** Makes valid records for a store. `now` is the time at which they are made; the test moves it. */
export class Records {
	now = 1_800_000_000_000;
	readonly ids = createIdMaker();
	readonly workspaceId = makeWorkspaceId();

	identity(): StoreIdentity {
		const workspace = { id: this.workspaceId, name: "Acme", owner: "ops", tier: "self-hosted", createDate: this.now };
		return { workspace, masterKeyFingerprint: "00ff" };
	}

	project(name = "Project"): Project {
		return {
			id: makeProjectId(),
			workspaceId: this.workspaceId,
			name,
			eventTypes: "open",
			retentionDays: null,
			payloadRetentionDays: null,
			createDate: this.now,
		};
	}

	key(scope: ApiKey["scope"] = "admin", projectId: string | null = null): ApiKey {
		const digest = keyDigest(generateSecretKey());
		return {
			id: this.ids.make("key", this.now),
			name: "Key",
			scope,
			projectId,
			hint: "abcd",
			digest,
			createDate: this.now,
		};
	}

	webhook(projectId: string, changes: Partial<WebhookRecord> = {}): WebhookRecord {
		return {
			id: this.ids.make("webhook", this.now),
			projectId,
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
			headerNames: ["x-one"],
			secretHint: "wxyz",
			createDate: this.now,
			updateDate: this.now,
			secrets: [{ number: 1, sealed: Uint8Array.of(1, 2, 3), createDate: this.now, expireDate: null }],
			sealedHeaders: Uint8Array.of(9, 8),
			deleteDate: null,
			...changes,
		};
	}

	event(projectId: string, options: EventOptions = {}): NewEvent {
		const { type = "user.created", body = Buffer.from('{"n":1}'), key, webhookIds = [] } = options;
		return {
			event: {
				id: this.ids.make("evt", this.now),
				projectId,
				type,
				timestamp: this.now - 5,
				createDate: this.now,
				deliveryCount: webhookIds.length,
			},
			body,
			idempotency: key === undefined ? null : { key, fingerprint: options.fingerprint ?? Buffer.alloc(32, 7) },
			deliveries: webhookIds.map((webhookId) => ({
				id: this.ids.make("dlv", this.now),
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
			requestHeaders: { "webhook-id": "evt_1" },
			response: { headers: { server: "x" }, body: "ok \u0000 ✓", bodyTruncated: true },
			...changes,
		};
	}

	/** The update that records an attempt. Its verdict is a success if omitted. */
	outcome(deliveryId: string, number: number, verdict: AttemptVerdict = SUCCESS): DeliveryUpdate {
		const { now: at } = this;
		const change = { type: "attempted", at, trigger: "auto", verdict, policy: POLICY, random: 0.5 } as const;
		return { deliveryId, change, attempt: this.attempt(number, { responseCode: verdict.responseCode }), at };
	}

	/** The update that records a failed attempt. */
	failure(deliveryId: string, number: number, responseCode = 500): DeliveryUpdate {
		return this.outcome(deliveryId, number, { kind: "failure", responseCode, reason: "it broke", retryAfterMs: null });
	}
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
	readonly webhookIds: readonly string[];
	/** The first of `webhookIds`. */
	readonly webhookId: string;
	/**
	 * Commits an event with deliveries to `webhookIds`, or if omitted to the first webhook. Returns the ids of the
	 * deliveries.
	 */
	readonly accept: (options?: EventOptions) => Promise<string[]>;
	readonly update: (...updates: readonly DeliveryUpdate[]) => Promise<CommitResult>;
	/** Reads a delivery's state from the log; throws if there is no such delivery. */
	readonly state: (deliveryId: string) => Promise<DeliveryState>;
}

/** Initializes a new store and adds `webhookCount` webhooks. */
export async function fillStore(store: Store, webhookCount = 1): Promise<World> {
	const records = new Records();
	const project = records.project();
	await store.initialize(records.identity(), project, records.key());
	const webhooks = Array.from({ length: webhookCount }, () => records.webhook(project.id));
	for (const webhook of webhooks) await store.insertWebhook(webhook);
	const webhookIds = webhooks.map(({ id }) => id);
	const [webhookId = ""] = webhookIds;
	return {
		store,
		records,
		projectId: project.id,
		webhookIds,
		webhookId,
		async accept(options = {}) {
			const event = records.event(options.projectId ?? project.id, { webhookIds: [webhookId], ...options });
			await store.commit({ events: [event], updates: [] });
			return event.deliveries.map(({ id }) => id);
		},
		update: (...updates) => store.commit({ events: [], updates }),
		async state(deliveryId) {
			const delivery = await store.delivery(project.id, deliveryId);
			if (delivery === null) throw new Error(`no delivery ${deliveryId}`);
			return stateOf(delivery);
		},
	};
}

/** When the earliest Pending delivery of a webhook is due; null if it has none. */
export async function dueAt(store: Store, webhookId: string): Promise<number | null> {
	const due = await store.dueWebhooks(null);
	return due.find((webhook) => webhook.webhookId === webhookId)?.dueAt ?? null;
}

/** The fields of `DeliveryState` only, without those that the log adds. */
export function stateOf(state: DeliveryState): DeliveryState {
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

export function idsOf(page: Page<{ readonly id: string }>): string[] {
	return page.rows.map(({ id }) => id);
}
