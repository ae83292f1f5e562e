// Creates the projects and webhooks that scenarios send to, through the API.
import type { Client } from "@fanfare/sdk";

import { numberedType } from "../../wire/bench-event.ts";

export interface WebhookPlan {
	readonly count: number;
	/** The endpoint of a webhook, by its number. */
	readonly endpoint: (number: number) => string;
	/** The customer that a webhook belongs to, by its number. Optional. */
	readonly customerOf?: (number: number) => string | null;
	/** "own": each webhook gets the events of its own number. "all": each gets all events. */
	readonly wants: "own" | "all";
	/** The rate limit of each webhook, in attempts per second. Optional. */
	readonly ratePerS?: number | undefined;
	/** For webhooks whose attempts fail by this timeout, and are repeated once. Optional. */
	readonly failAfterMs?: number | undefined;
}

export interface MadeProject {
	readonly projectId: string;
	readonly webhookIds: readonly string[];
}

/** Concurrent calls, which share commits. */
const AT_ONCE = 32;
/** Set explicitly, so that results can be compared between versions with different defaults. */
const RETRIES = { maxRetries: 3, maxRetryDelay: 15_000 };
const ONE_RETRY = { maxRetries: 1, maxRetryDelay: 100 };

/** Creates a project whose log is kept forever, with webhooks that are never disabled. */
export async function makeProject(client: Client, plan: WebhookPlan): Promise<MadeProject> {
	const project = await client.projects.create({ name: "Benchmark" });
	await client.projects.update(project.id, { retentionDays: 0 });
	const webhookIds: string[] = [];
	let next = 0;
	const work = async () => {
		for (let number = next++; number < plan.count; number = next++) {
			const eventTypes = plan.wants === "all" || plan.count === 1 ? null : [numberedType(number)];
			const rateLimit = plan.ratePerS === undefined ? null : { perSecond: plan.ratePerS };
			const endpoint = plan.endpoint(number);
			const failing = plan.failAfterMs === undefined ? {} : { timeoutMs: plan.failAfterMs, retries: ONE_RETRY };
			const spec = { endpoint, eventTypes, rateLimit, retries: RETRIES, disableAfterMs: 0, ...failing };
			const customerId = plan.customerOf?.(number) ?? undefined;
			const { id } = await project.batch.webhooks.create({ name: `Receiver ${number}`, spec, customerId });
			webhookIds[number] = id;
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	return { projectId: project.id, webhookIds };
}
