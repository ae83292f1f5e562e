// Whom an event is sent to: the refusal of an event that names customers or webhooks it can't reach.
import { isFor } from "../../core/access/customer.ts";
import { invalidRequest, type FanfareError } from "../../core/errors.ts";
import type { EventInput, EventTargets } from "../../core/event.ts";
import type { Directory } from "../directory/directory.ts";
import { customerBeingDeleted } from "../directory/not-found.ts";
import { foreignWebhook, internalType, unknownWebhooks } from "./refusals.ts";

type Targeted = Pick<EventInput, "type" | "webhookIds" | "customers">;

/**
 * The refusal of an event that names a customer who is being deleted, or webhooks which do not exist, or which belong to a customer
 * that the event is not for; null if it names none of these.
 */
export function refusalOfTargets(directory: Directory, projectId: string, input: Targeted): FanfareError | null {
	return refusalOfCustomers(directory, projectId, input) ?? refusalOfWebhooks(directory, projectId, input);
}

/** Whether an event names a customer who is being deleted. An event for every customer names none. On the busy path. */
export function namesDeleted(
	directory: Pick<Directory, "isDeleting">,
	projectId: string,
	{ customers }: Pick<EventInput, "customers">,
): boolean {
	if (customers === null) return false;
	if (typeof customers === "string") return directory.isDeleting(projectId, customers);
	return customers.some((customerId) => directory.isDeleting(projectId, customerId));
}

function refusalOfCustomers(directory: Directory, projectId: string, { customers }: Targeted): FanfareError | null {
	if (customers === null || !namesDeleted(directory, projectId, { customers })) return null;
	if (typeof customers === "string") return customerBeingDeleted(customers, "customerId");
	const index = customers.findIndex((customerId) => directory.isDeleting(projectId, customerId));
	return customerBeingDeleted(customers[index] ?? "", `customerIds.${index}`);
}

function refusalOfWebhooks(directory: Directory, projectId: string, input: Targeted): FanfareError | null {
	const { type, webhookIds, customers } = input;
	if (webhookIds === null) return null;
	const reachable = directory.reachable(projectId, type, customers);
	const known = new Map(directory.webhooksIn(projectId, webhookIds).map((webhook) => [webhook.id, webhook]));
	const unknown = webhookIds.filter((id) => !known.has(id));
	if (unknown.length > 0) return unknownWebhooks(unknown);
	const issues = webhookIds.flatMap((id, index) => {
		const customerId = known.get(id)?.customerId ?? null;
		if (isFor(reachable, customerId)) return [];
		return [reachable === customers ? foreignWebhook(index, customerId) : internalType(index)];
	});
	return issues.length === 0 ? null : invalidRequest(issues);
}

/** How the log describes whom an event was sent to. */
export function targetsOf({ webhookIds }: Pick<EventInput, "webhookIds">): EventTargets {
	if (webhookIds === null) return "everyone";
	return webhookIds.length === 0 ? "nobody" : "webhooks";
}
