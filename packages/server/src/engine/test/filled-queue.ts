// A ready queue of small bounds for tests, and what fills it.
import { ManualClock } from "../../core/manual-clock.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Webhooks } from "../delivering/rate-limited-lanes.ts";
import { ReadyQueue, type Owner } from "../delivering/ready-queue.ts";
import { leasedDelivery } from "./leased-delivery.ts";

export const limits = {
	maxReady: 100,
	maxReadyPerWebhook: 80,
	maxReadyBytes: 10_000,
	maxInFlight: 10,
	maxInFlightPerWebhook: 8,
	maxInFlightWhileFailing: 2,
};
export const P = { projectId: "p", customerId: null };
let made = 0;

export function openQueue(): ReadyQueue {
	return new ReadyQueue(limits, new ManualClock(), webhooks());
}

/**
 * The owner is the part of a webhook's id before a slash, project and customer with an `@` between them; without a slash, the
 * project is "p". Projects of tests with customers have an upper-case letter.
 */
function ownerOf(webhookId: string): Owner {
	const owner = webhookId.includes("/") ? webhookId.slice(0, webhookId.indexOf("/")) : "p";
	const [projectId = "", customerId = null] = owner.split("@");
	return { projectId, customerId };
}

function projectOf(webhookId: string): string {
	return ownerOf(webhookId).projectId;
}

export function webhooks(rateLimitOf: (webhookId: string) => number | null = () => null): Webhooks {
	return {
		webhook: (webhookId) => {
			const perSecond = rateLimitOf(webhookId);
			const rateLimit = perSecond === null ? null : { perSecond };
			return { ...ownerOf(webhookId), rateLimit };
		},
		hasCustomers: (projectId) => projectId !== projectId.toLowerCase(),
	};
}

export function delivery(webhookId: string, bytes = 10): LeasedDelivery {
	return leasedDelivery(`dlv_${made++}`, webhookId, bytes, projectOf(webhookId));
}

export function reserve(queue: ReadyQueue, webhookId: string, bytes = 10): boolean {
	return queue.reserve({ id: webhookId, ...ownerOf(webhookId) }, bytes, 0);
}

export function fill(queue: ReadyQueue, webhookId: string, bytes = 10): number {
	let count = 0;
	while (reserve(queue, webhookId, bytes)) {
		queue.unreserve(ownerOf(webhookId), 1, bytes);
		queue.push(delivery(webhookId, bytes));
		count++;
	}
	return count;
}
