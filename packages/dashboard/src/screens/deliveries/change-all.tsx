// The question before all deliveries of a search are retried or cancelled: how many that are, and how far it has come.
import type { DeliveryStatus } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import { valuesOf, type DeliveriesSearch } from "../../app/search.ts";
import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import { count, counted } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { changeAll, countQuery, filterOf, useDeliveryChange } from "./queries.ts";

export type Action = "retry" | "cancel";

export const VERBS = { retry: "Retry", cancel: "Cancel" } as const;
export const DONE = { retry: "tried again", cancel: "cancelled" } as const;
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
const EXPLAINED = {
	retry: "Each of them is attempted again now. Cancel stops what has not been sent yet.",
	cancel: "They will not be sent. They can be retried later.",
} as const;

/** Whether an action can change a delivery in this status. */
export function isChangeable(status: string, action: Action): boolean {
	return CHANGEABLE[action].some((one) => one === status);
}

/** The part of a search that an action changes, which names its statuses; null if that is nothing. */
export function changeable(search: DeliveriesSearch, action: Action): DeliveriesSearch | null {
	const { open: _, ...filter } = search;
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

interface ChangeAllProps {
	readonly action: Action;
	/** Already the part that the action changes: see `changeable`. */
	readonly search: DeliveriesSearch;
	/** Which deliveries these are, such as `to Billing`. */
	readonly of?: string;
	readonly children?: ReactNode;
	readonly onDone: () => void;
	readonly onClose: () => void;
}

/** Asks, and changes all deliveries of the search when the answer is yes. */
export function ChangeAll({ action, search, of, children, onDone, onClose }: ChangeAllProps) {
	const project = useProject();
	const toast = useToast();
	const [done, setDone] = useState(0);
	const { data: matching, error } = useQuery({ ...countQuery(project, search), staleTime: 0 });
	const change = useDeliveryChange(
		(project) => changeAll(project, action, filterOf(search, Date.now()), setDone),
		(changed) => {
			toast(`${counted(changed, "delivery is", "deliveries are")} ${DONE[action]}`);
			onDone();
		},
	);
	const isNone = matching?.complete === true && matching.count === 0;
	// A count that took too long may have found none yet.
	const object =
		matching === undefined || matching.count === 0
			? allOf(search)
			: `${matching.complete ? "" : "more than "}${counted(matching.count, "delivery", "deliveries")}`;
	return (
		<Confirm
			isOpen
			title={`${VERBS[action]} ${of === undefined ? allOf(search) : `what has failed ${of}`}?`}
			verb={`${VERBS[action]} ${object}`}
			isDangerous={action === "cancel"}
			isBusy={change.isPending}
			isBlocked={isNone || (matching === undefined && error === null)}
			error={change.error ?? error}
			onConfirm={() => change.mutate(null)}
			onClose={onClose}
		>
			<p className="flat">
				{matching === undefined && error === null && "Counting… "}
				{isNone ? "Nothing is left to change." : EXPLAINED[action]}
			</p>
			{children}
			{change.isPending && done > 0 && <p className="flat dim num">{count(done)} so far</p>}
		</Confirm>
	);
}
