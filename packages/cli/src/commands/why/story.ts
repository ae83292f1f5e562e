// What `fanfare why` knows about an event: read from the server, and bounded, however many webhooks and attempts there are.
import type { Attempt, Delivery, DeliveryDetail, ProjectHandle } from "@fanfare/sdk";

import { usageError } from "../../frame/failure.ts";
import { CAUSES, type CauseTexts } from "./generated/causes.ts";
import { nextCommand } from "./next-command.ts";
import type { Story, ToldDelivery } from "./told.ts";

/** The most deliveries that are told in full. */
const MAX_DELIVERIES = 20;
/** The most deliveries and webhooks that are looked at. */
const MAX_LOOKED_AT = 200;

/** What needs somebody comes first. */
const ORDER: Readonly<Record<Delivery["status"], number>> = {
	Failed: 0,
	Held: 1,
	Pending: 2,
	Cancelled: 3,
	Succeeded: 4,
};

/** Reads the story of an event, or of the event of a delivery. */
export async function readStory(project: ProjectHandle, id: string, webhookId: string | null): Promise<Story> {
	const only = id.startsWith("dlv_") ? await project.deliveries.get(id) : null;
	if (only === null && !id.startsWith("evt_")) {
		throw usageError(
			`The id must be that of an event (evt_…) or of a delivery (dlv_…); got ${JSON.stringify(id)}.`,
			"fanfare events list",
		);
	}
	if (only !== null && webhookId !== null) throw usageError("A delivery has one webhook: leave out --webhook.");
	const { data: _, ...event } = await project.events.get(only?.eventId ?? id);
	const { details, hasMore } =
		only === null ? await detailsOf(project, event.id, webhookId) : { details: [only], hasMore: false };
	const filter = { webhookId: only?.webhookId ?? webhookId ?? undefined, limit: MAX_LOOKED_AT };
	const routing = await project.events.routing(event.id, filter);
	const deliveries = await Promise.all(details.map((detail) => told(project, detail)));
	const notDelivered = routing.data.filter(({ gets, delivery }) => !gets && delivery === null);
	return {
		object: "story",
		event,
		deliveries,
		hasMoreDeliveries: hasMore,
		notDelivered,
		hasMoreWebhooks: routing.nextPage !== null,
		next: nextCommand(event, deliveries, notDelivered),
	};
}

async function detailsOf(project: ProjectHandle, eventId: string, webhookId: string | null) {
	const filter = { eventId, webhookId: webhookId ?? undefined, limit: MAX_LOOKED_AT };
	const page = await project.deliveries.list(filter);
	const chosen = page.data.toSorted((a, b) => ORDER[a.status] - ORDER[b.status]).slice(0, MAX_DELIVERIES);
	const details: DeliveryDetail[] = [];
	// One after the other: an event with many deliveries must not become a burst of calls.
	for (const { id } of chosen) details.push(await project.deliveries.get(id));
	return { details, hasMore: page.nextPage !== null || page.data.length > MAX_DELIVERIES };
}

async function told(project: ProjectHandle, delivery: DeliveryDetail): Promise<ToldDelivery> {
	const attempts = delivery.attempts.map((attempt) => ({ ...attempt, explanation: explanationOf(attempt) }));
	return { ...delivery, attempts, webhook: await webhookOf(project, delivery.webhookId) };
}

async function webhookOf(project: ProjectHandle, id: string): Promise<ToldDelivery["webhook"]> {
	try {
		const { status, disabledReason, pausedReason, retries, health } = await project.batch.webhooks.get(id);
		return { status, disabledReason, pausedReason, retries, health };
	} catch (error) {
		const { NotFoundError } = await import("@fanfare/sdk");
		if (error instanceof NotFoundError) return null;
		throw error;
	}
}

/** A newer server may have causes that this command does not know. */
function explanationOf({ cause }: Attempt): CauseTexts | null {
	return cause !== null && Object.hasOwn(CAUSES, cause) ? CAUSES[cause] : null;
}
