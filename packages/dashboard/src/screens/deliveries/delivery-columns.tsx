// The columns of a list of deliveries, here and on other screens.
import type { Delivery } from "@fanfare/sdk";
import { Link } from "@tanstack/react-router";

import type { DeliveriesFilter } from "../../app/search.ts";
import type { Column } from "../../parts/layout/table.tsx";
import { duration, idEnd } from "../../parts/text/format.ts";
import { shortReason } from "../../parts/text/short-reason.ts";
import { AnswerCode, DeliveryState } from "../../parts/text/state.tsx";
import { Time } from "../../parts/text/time.tsx";

interface Options {
	readonly projectId: string;
	/** What the list shows: from a delivery, the keys lead to the next one of it. */
	readonly filter?: DeliveriesFilter;
	/** Leaves the webhook out, where all go to the same. */
	readonly isOfOneWebhook?: boolean;
	/** Leaves out what there is no room for beside something else, and names the webhook under the type. */
	readonly isNarrow?: boolean;
}

/** What a delivery beside the list shows anyway. */
const NOT_NARROW = ["Webhook", "Duration", "Attempts", "Next attempt"];

export function deliveryColumns(options: Options): Column<Delivery>[] {
	const { projectId, filter = {}, isOfOneWebhook = false, isNarrow = false } = options;
	const columns: Column<Delivery>[] = [
		{ name: "State", width: isNarrow ? "7.25rem" : "7.5rem", cell: ({ status }) => <DeliveryState status={status} /> },
		{
			name: "Event type",
			width: isNarrow ? "minmax(6rem, 1.4fr)" : "minmax(8rem, 1.4fr)",
			phone: "whole",
			cell: (delivery) => (
				<div>
					<div className="cut">
						<Link
							className="row-link mono"
							to="/$projectId/deliveries/$deliveryId"
							params={{ projectId, deliveryId: delivery.id }}
							search={filter}
							data-row={delivery.id}
						>
							{delivery.eventType}
						</Link>
					</div>
					{isNarrow && !isOfOneWebhook && (
						<div className="dim">
							<WebhookName delivery={delivery} />
						</div>
					)}
				</div>
			),
		},
		{
			name: isNarrow ? "Response" : "Last response",
			phone: "whole",
			width: isNarrow ? "minmax(5.75rem, 0.6fr)" : "minmax(7rem, 2.2fr)",
			cell: ({ responseCode, reason, status }) => {
				const told = isNarrow || status === "Succeeded" ? "" : shortReason(reason, responseCode);
				return (
					<div className="cut" title={reason ?? undefined}>
						<AnswerCode code={responseCode} />
						{told !== "" && <span className="dim">{` · ${told}`}</span>}
					</div>
				);
			},
		},
		{
			name: "Duration",
			isRoomy: true,
			width: "4.5rem",
			isNumber: true,
			phone: "hide",
			cell: ({ lastAttempt }) =>
				lastAttempt === null ? <span className="dim none">–</span> : duration(lastAttempt.durationMs),
		},
		{
			name: "Attempts",
			isRoomy: true,
			width: "4.5rem",
			isNumber: true,
			phone: "hide",
			cell: ({ attemptCount }) => attemptCount,
		},
		{
			name: "Next attempt",
			width: "6rem",
			phone: "whole",
			cell: ({ nextAttemptDate }) =>
				nextAttemptDate === null ? <span className="dim none">–</span> : <Time at={nextAttemptDate} form="distance" />,
		},
		{
			name: "Created",
			width: isNarrow ? "minmax(4rem, auto)" : "minmax(7.5rem, 9.25rem)",
			phone: "beside",
			cell: ({ createDate }) => <Time at={createDate} />,
		},
	];
	if (!isOfOneWebhook) {
		columns.splice(2, 0, {
			name: "Webhook",
			phone: "whole",
			width: "minmax(6rem, 1fr)",
			cell: (delivery) => <WebhookName delivery={delivery} />,
		});
	}
	return isNarrow ? columns.filter(({ name }) => !NOT_NARROW.includes(name)) : columns;
}

/** The name is the one that it has now, also if it is deleted; an erased one has only its id. */
function WebhookName({
	delivery: { webhookId, webhookName },
}: {
	readonly delivery: Pick<Delivery, "webhookId" | "webhookName">;
}) {
	return (
		<div className="cut" title={webhookName}>
			{webhookName === "" ? <span className="dim mono">{idEnd(webhookId)}</span> : webhookName}
		</div>
	);
}
