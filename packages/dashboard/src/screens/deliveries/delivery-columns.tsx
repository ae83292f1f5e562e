// The columns of a list of deliveries, here and on other screens.
import type { Delivery } from "@fanfare/sdk";
import { Link } from "@tanstack/react-router";

import type { Column } from "../../parts/layout/table.tsx";
import { duration, idEnd } from "../../parts/text/format.ts";
import { AnswerCode, DeliveryState } from "../../parts/text/state.tsx";
import { Time } from "../../parts/text/time.tsx";

interface Options {
	readonly projectId: string;
	/** Leaves the webhook out, where all go to the same. */
	readonly isOfOneWebhook?: boolean;
	/** Leaves out what there is no room for beside something else. */
	readonly isNarrow?: boolean;
}

/** What a delivery beside the list shows anyway. */
const NOT_NARROW = ["Took", "Attempts", "Next attempt"];

export function deliveryColumns({ projectId, isOfOneWebhook = false, isNarrow = false }: Options): Column<Delivery>[] {
	const columns: Column<Delivery>[] = [
		{ name: "State", width: "7.5rem", cell: ({ status }) => <DeliveryState status={status} /> },
		{
			name: "Event type",
			width: "minmax(8rem, 1.4fr)",
			phone: "whole",
			cell: ({ id, eventType }) => (
				<div className="cut">
					<Link
						className="row-link mono"
						to="/$projectId/deliveries/$deliveryId"
						params={{ projectId, deliveryId: id }}
						data-row={id}
					>
						{eventType}
					</Link>
				</div>
			),
		},
		{
			name: "Last answer",
			phone: "whole",
			width: "minmax(7rem, 2.2fr)",
			cell: ({ responseCode, reason, status }) => (
				<div className="cut">
					<AnswerCode code={responseCode} />
					{status !== "Succeeded" && reason !== null && (
						<span className="dim" title={reason}>
							{" · "}
							{reason}
						</span>
					)}
				</div>
			),
		},
		{
			name: "Took",
			width: "4rem",
			isNumber: true,
			phone: "hide",
			cell: ({ lastAttempt }) =>
				lastAttempt === null ? <span className="dim none">–</span> : duration(lastAttempt.durationMs),
		},
		{ name: "Attempts", width: "4.5rem", isNumber: true, phone: "hide", cell: ({ attemptCount }) => attemptCount },
		{
			name: "Next attempt",
			width: "6.25rem",
			phone: "whole",
			cell: ({ nextAttemptDate }) =>
				nextAttemptDate === null ? <span className="dim none">–</span> : <Time at={nextAttemptDate} form="distance" />,
		},
		{ name: "Made", width: "8rem", phone: "beside", cell: ({ createDate }) => <Time at={createDate} /> },
	];
	if (!isOfOneWebhook) {
		columns.splice(2, 0, {
			name: "Webhook",
			phone: "whole",
			width: "minmax(6rem, 1fr)",
			// The name is the one that it has now, also if it is deleted; an erased one has only its id.
			cell: ({ webhookId, webhookName }) => (
				<div className="cut" title={webhookName}>
					{webhookName === "" ? <span className="dim mono">{idEnd(webhookId)}</span> : webhookName}
				</div>
			),
		});
	}
	return isNarrow ? columns.filter(({ name }) => !NOT_NARROW.includes(name)) : columns;
}
