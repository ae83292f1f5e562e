// S9: the installation: whether it answers, and what its projects use of what they may.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { useLiveMode } from "../../live/use-live.ts";
import { Numbers } from "../../parts/chart/numbers.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Fact } from "../../parts/layout/fact.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { Id } from "../../parts/text/copy.tsx";
import { count, counted, duration, share } from "../../parts/text/format.ts";
import { Time } from "../../parts/text/time.tsx";
import { useConnection, useProject } from "../../session/caller.ts";
import { reachQuery } from "../../session/reach.ts";
import { byteCount } from "../settings/byte-count.ts";
import { answerTimeQuery, MOST_PROJECTS, usageQuery, workspaceQuery, type UsageOfProject } from "./queries.ts";
import { Status, Version } from "./status.tsx";

export function SystemScreen() {
	const connection = useConnection();
	const { data: workspace } = useQuery(workspaceQuery(connection));
	return (
		<>
			<PageHead title="System" />
			<Health />
			<Status />
			<ProjectUsages />
			<section className="card card-pad stack" aria-label="Installation">
				<h2 className="card-title">Installation</h2>
				<dl className="facts">
					<Fact name="Address">
						<Id id={connection.endpoint.href} label="Copy the address" />
					</Fact>
					<Version />
					{workspace !== undefined && (
						<>
							<Fact name="Workspace">{workspace.name}</Fact>
							<Fact name="Id">
								<Id id={workspace.id} label="Copy the workspace's id" />
							</Fact>
							<Fact name="Since">
								<Time at={workspace.createDate} form="day" />
							</Fact>
						</>
					)}
				</dl>
			</section>
		</>
	);
}

const LIVE = { live: "by a stream", polling: "by asking every few seconds", off: "not now" } as const;

function Health() {
	const connection = useConnection();
	const { data: answer } = useQuery(answerTimeQuery(connection));
	const { data: reach } = useQuery(reachQuery);
	const mode = useLiveMode(useProject().id);
	const awaySince = reach?.awaySince ?? null;
	return (
		<section className="card card-pad" aria-label="Health">
			<Numbers
				items={[
					{
						name: "The server",
						value: awaySince === null ? "answers" : "is away",
						tone: awaySince === null ? "good" : "bad",
						detail:
							awaySince === null ? (
								answer !== undefined && `in ${duration(answer.ms)}, from here`
							) : (
								<>
									since <Time at={awaySince} />
								</>
							),
					},
					{
						name: "Live",
						value: mode === undefined || mode === "off" ? "no" : "yes",
						detail: mode === undefined ? "connecting" : LIVE[mode],
					},
				]}
			/>
		</section>
	);
}

function ProjectUsages() {
	const { data, error, refetch } = useQuery(usageQuery(useConnection()));
	return (
		<section className="stack tight" aria-label="Usage">
			<h2 className="card-title">What projects use</h2>
			{error !== null && <Problem error={error} what="The usage could not be loaded" onRetry={refetch} />}
			{data === undefined && error === null && <TableSkeleton label="the usage" columns={COLUMNS} rows={3} />}
			{data !== undefined && (
				<Table
					label="Usage of projects"
					columns={COLUMNS}
					rows={data.usages}
					keyOf={({ id }) => id}
					foot={
						data.projectCount > MOST_PROJECTS
							? `${MOST_PROJECTS} of ${counted(data.projectCount, "project")} are shown.`
							: undefined
					}
				/>
			)}
		</section>
	);
}

const COLUMNS: readonly Column<UsageOfProject>[] = [
	{
		name: "Project",
		width: "minmax(10rem, 2fr)",
		phone: "whole",
		cell: ({ id, name }) => (
			<div className="cut">
				<Link className="row-link" to="/$projectId/settings" params={{ projectId: id }}>
					{name}
				</Link>
			</div>
		),
	},
	{
		name: "Stored",
		width: "minmax(6rem, 8rem)",
		isNumber: true,
		cell: ({ usage: { storedBytes } }) => (
			<>
				{byteCount(storedBytes)}
				<span className="only-phone dim"> stored</span>
			</>
		),
	},
	{
		name: "Allowed",
		width: "minmax(9rem, 1fr)",
		cell: ({ usage: { storedBytes, maxStoredBytes } }) =>
			maxStoredBytes === 0 ? (
				<span className="dim">no quota of its own</span>
			) : (
				<span className={storedBytes > 0.9 * maxStoredBytes ? "text-bad" : undefined}>
					{share(storedBytes, maxStoredBytes)} of {byteCount(maxStoredBytes)}
				</span>
			),
	},
	{
		name: "Events a second",
		width: "minmax(8rem, 1fr)",
		phone: "whole",
		cell: ({ usage: { maxEventsPerSecond } }) =>
			maxEventsPerSecond === 0 ? (
				<span className="dim">
					no quota<span className="only-phone"> of events a second</span>
				</span>
			) : (
				<span className="num">
					at most {count(maxEventsPerSecond)}
					<span className="only-phone"> events a second</span>
				</span>
			),
	},
];
