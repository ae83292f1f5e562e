// What the simulation itself knows: which objects it has asked for, what was answered, and what the store has executed.
import type { EventCustomers } from "../../packages/server/src/core/access/customer.ts";
import type { Project } from "../../packages/server/src/core/workspace.ts";
import { Secrets } from "./secrets.ts";

export interface ProjectModel {
	readonly id: string;
	/** A deletion was asked for, or was acknowledged. */
	deleteIssued: boolean;
	deleted: boolean;
	/** The days of retention that were ever set for it; 0 is for ever. */
	readonly days: Set<number>;
}

/** The retention of projects without a setting of their own. */
export const RETENTION_DAYS = 30;

export interface WebhookModel {
	/** Its receiver's host is `w<number>.test`. */
	readonly number: number;
	readonly project: ProjectModel;
	readonly customerId: string | null;
	/** Null until the store has it. */
	id: string | null;
	readonly secrets: Secrets;
	/** The run in which a pause or a deletion was acknowledged, after which no resume was asked for. */
	stoppedIn: number | null;
	/** The number of the last operation that asked for a resume. */
	resumedBy: number;
	/** How many resumes are under way: one may come after a pause that was asked for later. */
	resuming: number;
	deleteIssued: boolean;
	/** Its customer was deleted, and it with them. */
	isDisowned: boolean;
	/** Its receiver has answered 410 to a delivery. */
	isGone: boolean;
	/** Many of its deliveries were asked to be cancelled, or to be retried, by a filter. */
	cancelledMany: boolean;
	retriedMany: boolean;
	/** The retries that it was ever given. */
	readonly maxRetries: Set<number>;
	/** The rate limits that it was given, and when they were asked for, by the monotonic clock. */
	readonly rates: { readonly at: number; readonly perSecond: number | null }[];
}

/** A send. Sent again with its idempotency key, it is still the same one. */
export interface SendModel {
	/** Part of its data, and unique. */
	readonly n: number;
	readonly project: ProjectModel;
	readonly type: string;
	readonly key: string | null;
	readonly webhookIds: readonly string[] | null;
	readonly customers: EventCustomers;
	/** How many of its calls were acknowledged, were refused, or have no answer. */
	acknowledged: number;
	refused: number;
	unanswered: number;
	/** The event that was acknowledged first. */
	eventId: string | null;
}

/** An event in the store. */
export interface EventModel {
	readonly id: string;
	readonly n: number;
	readonly projectId: string;
	readonly type: string;
	readonly createDate: number;
	readonly customers: EventCustomers;
	/** The webhooks that wanted it, as they were stored at the moment of its commit. */
	readonly wantedBy: readonly string[];
	/** The erasure of its payload was asked for, and was acknowledged. */
	eraseIssued: boolean;
	erased: boolean;
	/** It was for one customer alone, who was deleted. */
	erasedWithCustomer: boolean;
}

/** The number of own events, which nobody has sent. */
export const OWN = -1;

export class Book {
	readonly projects = new Map<string, ProjectModel>();
	readonly webhooks: WebhookModel[] = [];
	readonly sends: SendModel[] = [];
	/** Every event that was ever stored, in order. */
	readonly events = new Map<string, EventModel>();
	/** Events that retention was right to delete. */
	readonly purged = new Set<string>();
	/** Deliveries whose cancellation, or retry, was asked for. */
	readonly cancelled = new Set<string>();
	readonly retried = new Set<string>();
	/** Deliveries whose cancellation was acknowledged in a run, and that nobody has asked to retry since. */
	readonly surelyCancelled = new Map<string, number>();
	readonly replays: string[] = [];
	#byId = new Map<string, WebhookModel>();

	addProject({ id }: Pick<Project, "id">): ProjectModel {
		const project = { id, deleteIssued: false, deleted: false, days: new Set([RETENTION_DAYS]) };
		this.projects.set(id, project);
		return project;
	}

	/** A webhook that is about to be created. */
	addWebhook(project: ProjectModel, customerId: string | null, secret: Uint8Array): WebhookModel {
		const webhook: WebhookModel = {
			number: this.webhooks.length,
			project,
			customerId,
			id: null,
			secrets: new Secrets(secret),
			stoppedIn: null,
			resumedBy: 0,
			resuming: 0,
			deleteIssued: false,
			isDisowned: false,
			isGone: false,
			cancelledMany: false,
			retriedMany: false,
			maxRetries: new Set(),
			rates: [],
		};
		this.webhooks.push(webhook);
		return webhook;
	}

	/** The store has this webhook now. */
	stored(host: string, id: string): void {
		const webhook = this.webhookAt(host);
		if (webhook === undefined) return;
		webhook.id = id;
		this.#byId.set(id, webhook);
	}

	webhookAt(host: string): WebhookModel | undefined {
		return this.webhooks[Number(/^w(\d+)\.test$/.exec(host)?.[1])];
	}

	webhook(id: string): WebhookModel | undefined {
		return this.#byId.get(id);
	}

	/** Projects that nobody has asked to delete, in the order of their creation. */
	liveProjects(): ProjectModel[] {
		return [...this.projects.values()].filter(({ deleteIssued }) => !deleteIssued);
	}

	/** Webhooks in the store that nobody has asked to delete, in the order of their creation. */
	liveWebhooks(): (WebhookModel & { readonly id: string })[] {
		return this.webhooks.filter(
			(webhook): webhook is WebhookModel & { readonly id: string } =>
				webhook.id !== null && !webhook.deleteIssued && !webhook.project.deleteIssued,
		);
	}
}

export function hostOf({ number }: Pick<WebhookModel, "number">): string {
	return `w${number}.test`;
}
