// Why webhooks got an event or not: loaded when somebody asks.
import type { Routing } from "@fanfare/sdk";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { Problem } from "../../parts/feedback/problem.tsx";
import { ListFoot } from "../../parts/layout/list-foot.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { usePages } from "../../parts/list/use-pages.ts";
import { useProject } from "../../session/caller.ts";
import { routingQuery } from "../events/queries.ts";
import { reasonWords } from "../events/routing-words.ts";
import { WebhookSelect } from "../webhooks/webhook-choice.tsx";

interface WhyNotProps {
	readonly eventId: string;
	/** Whether it is shown without being asked for. */
	readonly isOpen: boolean;
}

export function WhyNot({ eventId, isOpen }: WhyNotProps) {
	const [isAsked, setAsked] = useState(isOpen);
	return (
		<details className="card fold" open={isAsked} onToggle={({ currentTarget }) => setAsked(currentTarget.open)}>
			<summary>Why did a webhook get nothing?</summary>
			{isAsked && <Reasons eventId={eventId} />}
		</details>
	);
}

function Reasons({ eventId }: { readonly eventId: string }) {
	const project = useProject();
	const [webhookId, setWebhookId] = useState<string | null>(null);
	const list = usePages(routingQuery(project, eventId, webhookId));
	const { error } = list;
	const { refetch, hasNextPage } = list.query;
	// Those that got it are in the list of deliveries.
	const rows = webhookId === null ? list.rows?.filter(({ gets }) => !gets) : list.rows;
	return (
		<div className="stack tight">
			<div className="bar">
				<WebhookSelect
					className="filter"
					aria-label="Webhook"
					placeholder="Any webhook"
					clearable
					value={webhookId}
					onChange={setWebhookId}
				/>
			</div>
			{error !== null && <Problem error={error} what="It could not be found out" onRetry={refetch} />}
			{rows === undefined && error === null && <TableSkeleton label="why" columns={columnsOf(project.id)} rows={3} />}
			{rows?.length === 0 && !hasNextPage && <p className="dim flat">Every webhook of the project got it.</p>}
			{rows !== undefined && (rows.length > 0 || hasNextPage) && (
				<Table
					label="Why webhooks got it or not"
					columns={columnsOf(project.id)}
					rows={rows}
					keyOf={({ webhookId }) => webhookId}
					near={list.near}
					foot={
						webhookId === null ? (
							<ListFoot list={list} shown={rows.length} more="Look at older webhooks" isByHand />
						) : undefined
					}
				/>
			)}
		</div>
	);
}

function columnsOf(projectId: string): Column<Routing>[] {
	return [
		{
			name: "Webhook",
			width: "minmax(8rem, 1fr)",
			cell: ({ webhookId, webhookName, customerId }) => (
				<div className="cut">
					<Link className="row-link" to="/$projectId/webhooks/$webhookId" params={{ projectId, webhookId }} search={{}}>
						{webhookName}
					</Link>
					{customerId !== undefined && <span className="dim"> of {customerId}</span>}
				</div>
			),
		},
		{
			name: "Got it",
			width: "4rem",
			phone: "beside",
			cell: ({ gets }) => <span className={gets ? "text-good" : "dim"}>{gets ? "yes" : "no"}</span>,
		},
		{
			name: "Why",
			width: "minmax(14rem, 3fr)",
			phone: "whole",
			cell: (routing) => <div className="wrap">{reasonWords(routing)}</div>,
		},
	];
}
