// The question before all deliveries of a search are retried or cancelled: how many that are.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import type { DeliveriesSearch } from "../../../app/search.ts";
import { Confirm } from "../../../parts/feedback/confirm.tsx";
import { counted } from "../../../parts/text/format.ts";
import { useZone } from "../../../parts/text/zone.ts";
import { useProject } from "../../../session/caller.ts";
import { useWebhookNames } from "../../webhooks/names.ts";
import { countQuery, filterOf } from "../queries.ts";
import { allOf, EXPLAINED, VERBS, type Action } from "./actions.ts";
import { listOf, useListChange } from "./bulk-changes.ts";
import { MatchingSteps } from "./steps.ts";
import { listWords } from "./where.ts";

interface ChangeAllProps {
	readonly action: Action;
	/** Already the part that the action changes: see `changeable`. */
	readonly search: DeliveriesSearch;
	/** Which deliveries these are, such as `to Billing`. */
	readonly of?: string;
	readonly children?: ReactNode;
	/** Called when all are changed, which may be long after it was closed. */
	readonly onDone?: () => void;
	readonly onClose: () => void;
}

/** Asks, and starts the change of all deliveries of the search when the answer is yes. */
export function ChangeAll({ action, search, of, children, onDone = () => {}, onClose }: ChangeAllProps) {
	const project = useProject();
	const webhooks = useWebhookNames([search.webhook]);
	const [zone] = useZone();
	const list = listOf(search);
	const [isUnderWay, changes] = useListChange(project.id, list);
	const { data: matching, error } = useQuery({ ...countQuery(project, search), staleTime: 0 });
	const isNone = matching?.complete === true && matching.count === 0;
	// A count that took too long may have found none yet.
	const amount =
		matching === undefined || matching.count === 0
			? allOf(search)
			: `${matching.complete ? "" : "more than "}${counted(matching.count, "delivery", "deliveries")}`;
	const object = of === undefined ? allOf(search) : `what has failed ${of}`;
	const start = () => {
		const total = matching?.complete === true ? matching.count : null;
		const steps = new MatchingSteps(project, action, filterOf(search, Date.now()), total);
		const listName = of === undefined ? listWords(search, { webhooks, zone }) : "";
		changes.start({ projectId: project.id, action, list, listName, object, steps, onDone });
		onClose();
	};
	return (
		<Confirm
			isOpen
			title={`${VERBS[action]} ${object}?`}
			verb={`${VERBS[action]} ${amount}`}
			isDangerous={action === "cancel"}
			isBusy={false}
			isBlocked={isUnderWay || isNone || (matching === undefined && error === null)}
			error={error}
			onConfirm={start}
			onClose={onClose}
		>
			<p className="flat">
				{matching === undefined && error === null && "Counting… "}
				{isUnderWay
					? "Another change of these deliveries is still under way."
					: isNone
						? "Nothing is left to change."
						: EXPLAINED[action]}
			</p>
			{children}
		</Confirm>
	);
}
