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

/** A queue with these limits, some of which a test may replace. */
export function openQueue(
	some: Partial<typeof limits> = {},
	release?: ConstructorParameters<typeof ReadyQueue>[3],
): ReadyQueue {
	return new ReadyQueue({ ...limits, ...some }, new ManualClock(), webhooks(), release);
}

/** A queue of webhooks with rate limits. */
export function openLimited(rateLimitOf: (webhookId: string) => number | null) {
	const clock = new ManualClock();
	return { clock, queue: new ReadyQueue(limits, clock, webhooks(rateLimitOf)) };
}

/** Takes deliveries until none may start. */
export function takeAll(queue: ReadyQueue): LeasedDelivery[] {
	const taken: LeasedDelivery[] = [];
	for (let next = queue.take(); next !== null; next = queue.take()) taken.push(next);
	return taken;
}

/** The webhooks of deliveries that are taken and finished one after the other. */
export function takeInTurn(queue: ReadyQueue, count: number): string[] {
	return Array.from({ length: count }, () => {
		const taken = queue.take()!;
		queue.finish(taken);
		return taken.webhookId;
	});
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

function webhooks(rateLimitOf: (webhookId: string) => number | null = () => null): Webhooks {
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
