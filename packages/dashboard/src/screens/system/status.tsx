// What the server is doing, how much room it has, and what its operator should know.
import type { UsedLimit, WorkspaceStatus } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";

import { Numbers, type Summary } from "../../parts/chart/numbers.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Loading, NumbersShape } from "../../parts/feedback/skeletons.tsx";
import { Fact } from "../../parts/layout/fact.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { count, duration, share } from "../../parts/text/format.ts";
import { ExactTime, Time } from "../../parts/text/time.tsx";
import { projectsQuery, useConnection } from "../../session/caller.ts";
import { useIsOfWorkspace } from "../../session/workspace.ts";
import { byteCount } from "../settings/byte-count.ts";
import { commitTimes, Database } from "./database.tsx";
import { Members } from "./members.tsx";
import { Messages } from "./messages.tsx";
import { statusQuery } from "./queries.ts";

/** Above this share of a limit, somebody should look. */
const NEAR = 0.9;
/** A delivery that is due for longer has waited for something. */
const LATE_MS = 10_000;

export function Status() {
	const mayRead = useIsOfWorkspace();
	const {
		data: status,
		dataUpdatedAt,
		error,
		refetch,
	} = useQuery({ ...statusQuery(useConnection()), enabled: mayRead });
	if (!mayRead) {
		return (
			<p className="dim">
				Backlog, room on the disk and limits of the server are shown to keys of the whole workspace. Yours is of one
				project.
			</p>
		);
	}
	if (status === undefined) {
		if (error === null) {
			return (
				<Loading label="the status">
					<NumbersShape count={6} />
					<TableSkeleton label="the limits" columns={COLUMNS} />
				</Loading>
			);
		}
		return <Problem error={error} what="The status could not be loaded" onRetry={refetch} />;
	}
	return (
		<>
			{error !== null && (
				<Problem
					error={error}
					what="The status could not be updated"
					actions={
						<p className="dim">
							What is shown is from <Time at={dataUpdatedAt} />.
						</p>
					}
				/>
			)}
			<Warnings warnings={status.warnings} />
			<section className="card card-pad" aria-label="Status">
				<Numbers items={[...backlogOf(status), ...roomOf(status.store)]} />
			</section>
			<Database status={status} />
			<Members members={status.members} />
			<Messages members={status.members} />
			<section className="stack tight" aria-label="Limits">
				<h2 className="card-title">Limits of the server</h2>
				<Table
					label="Limits of the server"
					columns={COLUMNS}
					rows={status.limits.toSorted((a, b) => b.used / b.allowed - a.used / a.allowed)}
					keyOf={({ name }) => name}
				/>
			</section>
		</>
	);
}

function Warnings({ warnings }: Pick<WorkspaceStatus, "warnings">) {
	const { data: projects = [] } = useQuery(projectsQuery(useConnection()));
	return warnings.map(({ code, message, projectId }) => (
		<div key={`${code} ${projectId}`} className="note warn">
			<Icon name="alert" />
			<p>
				{projectId !== null && <strong>{projects.find(({ id }) => id === projectId)?.name ?? projectId}: </strong>}
				{message}
			</p>
		</div>
	));
}

function backlogOf({ backlog, commits, database }: WorkspaceStatus): Summary[] {
	const { pending, held, inFlightAttempts, oldestDueMs } = backlog;
	const isLate = oldestDueMs > LATE_MS;
	return [
		{ name: "Pending", value: pending === null ? "–" : count(pending), detail: "deliveries of all projects" },
		{ name: "Held", value: held === null ? "–" : count(held) },
		{ name: "Attempts now", value: count(inFlightAttempts) },
		{
			name: "Oldest due",
			value: oldestDueMs === 0 ? "none" : duration(oldestDueMs),
			...(isLate && { tone: "warn" }),
			detail: "of those that are not started",
		},
		// Those of a database are with it.
		...(database === null ? [commitTimes(commits)] : []),
	];
}

function roomOf({ fileBytes, freeBytes, volumeBytes }: WorkspaceStatus["store"]): Summary[] {
	if (freeBytes === null || volumeBytes === null) return [];
	const isLow = freeBytes < (1 - NEAR) * volumeBytes;
	const taken = fileBytes === null ? "" : `; the store takes ${byteCount(fileBytes)}`;
	return [
		{
			name: "Free on the disk",
			value: byteCount(freeBytes),
			...(isLow && { tone: "warn" }),
			detail: `${share(freeBytes, volumeBytes)}${taken}`,
		},
	];
}

/** Facts of the installation that only the status has. */
export function Version() {
	const mayRead = useIsOfWorkspace();
	const { data: status } = useQuery({ ...statusQuery(useConnection()), enabled: mayRead });
	if (status === undefined) return null;
	return (
		<>
			<Fact name="Version">{status.version}</Fact>
			<Fact name="Started">
				<ExactTime at={status.startDate} />
			</Fact>
		</>
	);
}

const COLUMNS: readonly Column<UsedLimit>[] = [
	{
		name: "Limit",
		width: "minmax(12rem, 2fr)",
		phone: "whole",
		cell: ({ name }) => <span className="mono">{name}</span>,
	},
	{
		name: "Used",
		width: "minmax(6rem, 8rem)",
		isNumber: true,
		cell: ({ name, used, allowed }) => (
			<span className={used > NEAR * allowed ? "text-bad" : undefined}>{amount(name, used)}</span>
		),
	},
	{
		name: "Allowed",
		width: "minmax(9rem, 1fr)",
		cell: ({ name, used, allowed }) => (
			<span className="num dim">
				{allowed > 0 && `${share(used, allowed)} of `}
				{amount(name, allowed)}
			</span>
		),
	},
];

function amount(name: string, value: number): string {
	return /Bytes(?![a-z])/.test(name) ? byteCount(value) : count(value);
}
