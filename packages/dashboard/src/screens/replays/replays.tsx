// S8: the replays of a project.
import type { Replay } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { createLink, getRouteApi, Link } from "@tanstack/react-router";

import { useIsLive } from "../../live/use-live.ts";
import { Empty } from "../../parts/feedback/empty.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { ListFoot } from "../../parts/layout/list-foot.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { usePages } from "../../parts/list/use-pages.ts";
import { count, idEnd } from "../../parts/text/format.ts";
import { Time } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { useTriageKeys } from "../deliveries/use-triage-keys.ts";
import { useWebhookNames } from "../webhooks/names.ts";
import { WebhookSelect } from "../webhooks/webhook-choice.tsx";
import { Period } from "./period.tsx";
import { ProgressBar, ReplayState } from "./progress.tsx";
import { replaysQuery } from "./queries.ts";

const route = getRouteApi("/$projectId/replays");
const ButtonLink = createLink(Button<"a">);

export function ReplaysScreen() {
	const project = useProject();
	const mayWrite = useMay("write");
	const navigate = route.useNavigate();
	const { webhook } = route.useSearch();
	const list = usePages(replaysQuery(project, webhook, useIsLive(project.id)));
	const { rows, error } = list;
	const { refetch, hasNextPage } = list.query;
	const webhooks = useWebhookNames(rows?.map(({ webhookId }) => webhookId));
	const current = useTriageKeys({ ids: rows?.map(({ id }) => id) ?? [] });
	const columns = columnsOf(project.id, new Map(webhooks.map(({ id, name }) => [id, name])));
	const start = (
		<ButtonLink
			component="a"
			to="/$projectId/replays/new"
			params={{ projectId: project.id }}
			search={webhook === undefined ? {} : { webhook }}
			leftSection={<Icon name="retry" size={16} />}
		>
			Start a replay
		</ButtonLink>
	);
	return (
		<>
			<PageHead title="Replays" actions={mayWrite && start} />
			<div className="bar">
				<WebhookSelect
					data-filter
					className="filter"
					aria-label="Webhook"
					placeholder="Any webhook"
					clearable
					value={webhook ?? null}
					onChange={(webhook) => void navigate({ search: webhook === null ? {} : { webhook } })}
				/>
			</div>
			{error !== null && <Problem error={error} what="The replays could not be loaded" onRetry={refetch} />}
			{rows === undefined && error === null && <TableSkeleton label="replays" columns={columns} rows={4} />}
			{rows?.length === 0 && !hasNextPage && (
				<Empty
					icon="retry"
					title={webhook === undefined ? "No replay yet" : "No replay to this webhook"}
					actions={mayWrite && start}
				>
					A replay sends past events to a webhook again: those that failed while its receiver was down, or those that a
					new webhook has missed. It counts first, and sends nothing that succeeded unless you say so.
				</Empty>
			)}
			{rows !== undefined && (rows.length > 0 || hasNextPage) && (
				<Table
					label="Replays"
					columns={columns}
					rows={rows}
					keyOf={({ id }) => id}
					current={current}
					near={list.near}
					foot={<ListFoot key={list.key} list={list} shown={rows.length} />}
				/>
			)}
		</>
	);
}

function columnsOf(projectId: string, names: ReadonlyMap<string, string>): Column<Replay>[] {
	return [
		{ name: "State", width: "7.25rem", cell: ({ status }) => <ReplayState status={status} /> },
		{
			name: "Webhook",
			width: "minmax(8rem, 1.2fr)",
			phone: "whole",
			cell: ({ id, webhookId }) => (
				<div className="cut">
					<Link
						className="row-link"
						to="/$projectId/replays/$replayId"
						params={{ projectId, replayId: id }}
						data-row={id}
					>
						{names.get(webhookId) ?? `webhook ${idEnd(webhookId)}`}
					</Link>
				</div>
			),
		},
		{
			name: "Events of",
			width: "minmax(12rem, 1.6fr)",
			phone: "whole",
			cell: ({ since, until }) => (
				<div className="cut">
					<Period since={since} until={until} form="short" />
				</div>
			),
		},
		{
			name: "That",
			isRoomy: true,
			width: "minmax(7rem, 1.2fr)",
			phone: "whole",
			cell: ({ outcomes }) => <div className="cut">{outcomes.join(", ").toLowerCase()}</div>,
		},
		{
			name: "Progress",
			width: "7rem",
			phone: "whole",
			cell: ({ progress, status }) =>
				status === "Running" ? <ProgressBar value={progress} label="Progress" /> : <span className="dim none">–</span>,
		},
		{
			name: "Deliveries",
			isRoomy: true,
			width: "5.5rem",
			isNumber: true,
			phone: "hide",
			cell: ({ deliveryCount }) => count(deliveryCount),
		},
		{
			name: "Started",
			width: "minmax(8rem, 9.25rem)",
			phone: "beside",
			cell: ({ createDate }) => <Time at={createDate} />,
		},
	];
}
