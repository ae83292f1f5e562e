// What can be done with many deliveries at once, and its words.
import type { DeliveryStatus } from "@fanfare/sdk";

import { filterPart, valuesOf, type DeliveriesSearch } from "../../../app/search.ts";
import { count } from "../../../parts/text/format.ts";

export type Action = "retry" | "cancel";

export const VERBS = { retry: "Retry", cancel: "Cancel" } as const;
export const DOING = { retry: "Retrying", cancel: "Cancelling" } as const;
export const DONE = { retry: "tried again", cancel: "cancelled" } as const;
export const EXPLAINED = {
	retry: "Each of them is attempted again now. Cancel stops what has not been sent yet.",
	cancel: "They will not be sent. They can be retried later.",
} as const;

/** The statuses that an action can change. */
const CHANGEABLE = {
	retry: ["Failed", "Cancelled", "Pending"],
	cancel: ["Pending", "Held"],
} as const satisfies Record<Action, readonly DeliveryStatus[]>;
/** What it changes if the search names no status: what somebody has cancelled on purpose stays cancelled. */
const MEANT = { retry: ["Failed"], cancel: ["Pending", "Held"] } as const satisfies Record<
	Action,
	readonly DeliveryStatus[]
>;

/** Whether an action can change a delivery in this status. */
export function isChangeable(status: string, action: Action): boolean {
	return CHANGEABLE[action].some((one) => one === status);
}

/** The part of a search that an action changes, which names its statuses; null if that is nothing. */
export function changeable(search: DeliveriesSearch, action: Action): DeliveriesSearch | null {
	const filter = filterPart(search);
	if (search.status === undefined) return { ...filter, status: MEANT[action].join(",") };
	const statuses = valuesOf(search.status).filter((status) => isChangeable(status, action));
	return statuses.length === 0 ? null : { ...filter, status: statuses.join(",") };
}

/**
 * What an action changes of all that match, in words.
 *
 * @example
 * allOf({ type: "order.*", status: "Pending,Held" }, 300); // "all 300 Pending and Held that match"
 */
export function allOf({ status }: DeliveriesSearch, number: number | null = null): string {
	const statuses = valuesOf(status);
	const words = [statuses.slice(0, -1).join(", "), ...statuses.slice(-1)].filter((word) => word !== "").join(" and ");
	return `all${number === null ? "" : ` ${count(number)}`} ${words} that match`;
}
