// S9: the audit log: who changed what, when. Names, not ids.
import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { Empty } from "../../parts/feedback/empty.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { FilterRange } from "../../parts/form/filter-range.tsx";
import { FilterText } from "../../parts/form/filter-text.tsx";
import { ListFoot } from "../../parts/layout/list-foot.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton } from "../../parts/layout/table.tsx";
import { ExportButton } from "../../parts/list/export-button.tsx";
import { usePages } from "../../parts/list/use-pages.ts";
import { useConnection, useMay } from "../../session/caller.ts";
import { keysQuery } from "../keys/queries.ts";
import { ACTIONS } from "./actions.ts";
import { auditColumns } from "./columns.tsx";
import { auditQuery, filterOf, useAuditLog } from "./queries.ts";
import type { AuditSearch } from "./search.ts";

const route = getRouteApi("/$projectId/audit");
const TITLE = "Audit log";

export function AuditScreen() {
	const mayRead = useMay("admin");
	if (mayRead) return <Entries />;
	return (
		<>
			<PageHead title={TITLE} />
			<p className="dim">The audit log is shown to admin keys. Yours is not one.</p>
		</>
	);
}

function Entries() {
	const search = route.useSearch();
	const navigate = route.useNavigate();
	const log = useAuditLog();
	const list = usePages(auditQuery(log, search));
	const { rows, error } = list;
	const { refetch, hasNextPage } = list.query;
	const hasFilter = Object.keys(search).some((name) => name !== "of");
	return (
		<>
			<PageHead
				title={TITLE}
				actions={
					<ExportButton
						key={list.key}
						words={["audit entry", "audit entries"]}
						contents="Time, caller, action, object and names of fields of each change, without values"
						exporter={log}
						isEmpty={(rows?.length ?? 0) === 0}
						isFiltered={hasFilter}
						filterOf={() => filterOf(log, search, Date.now())}
					/>
				}
			/>
			<Filters search={search} isOfWorkspace={log.isOfWorkspace} />
			{error !== null && <Problem error={error} what="The audit log could not be loaded" onRetry={refetch} />}
			{rows === undefined && error === null && <TableSkeleton label="the audit log" columns={auditColumns()} />}
			{rows?.length === 0 && !hasNextPage && (
				<Empty
					icon={hasFilter ? "search" : "clock"}
					title={hasFilter ? "No entry matches" : "Nothing was changed yet"}
					actions={
						log.isOfWorkspace ? (
							<Button variant="default" onClick={() => void navigate({ search: { of: "workspace" } })}>
								Show all of the workspace
							</Button>
						) : (
							hasFilter && (
								<Button variant="default" onClick={() => void navigate({ search: {} })}>
									Remove all filters
								</Button>
							)
						)
					}
				>
					{hasFilter
						? `Remove a filter${log.isOfWorkspace ? ", or look at the changes of all projects" : ""}.`
						: "Each change that somebody makes in this project appears here, with who made it, and what the server does by itself."}
				</Empty>
			)}
			{rows !== undefined && (rows.length > 0 || hasNextPage) && (
				<Table
					label="Audit log"
					columns={auditColumns()}
					rows={rows}
					keyOf={({ id }) => id}
					near={list.near}
					foot={<ListFoot key={list.key} list={list} shown={rows.length} />}
				/>
			)}
		</>
	);
}

interface FiltersProps {
	readonly search: AuditSearch;
	readonly isOfWorkspace: boolean;
}

function Filters({ search, isOfWorkspace }: FiltersProps) {
	const navigate = route.useNavigate();
	const set = (change: { readonly [Name in keyof AuditSearch]: AuditSearch[Name] | undefined }) =>
		void navigate({ search: (search) => ({ ...search, ...change }) });
	const actions =
		search.action === undefined || ACTIONS.includes(search.action) ? ACTIONS : [search.action, ...ACTIONS];
	return (
		<div className="bar" role="search" aria-label="Audit log">
			<Select
				data-filter
				className="filter"
				aria-label="Action"
				placeholder="Any action"
				searchable
				clearable
				limit={60}
				data={actions.map((action) => ({ value: action, label: action }))}
				value={search.action ?? null}
				onChange={(action) => set({ action: action ?? undefined })}
			/>
			{isOfWorkspace ? (
				<KeyFilter value={search.key} onChange={(key) => set({ key })} />
			) : (
				// It may not list the keys: their ids are beside the entries.
				<FilterText
					label="Id of a key"
					placeholder="Any key, by its id"
					value={search.key}
					onChange={(key) => set({ key })}
				/>
			)}
			<FilterText
				label="Id of what was changed"
				placeholder="Any object, by its id"
				value={search.object}
				onChange={(object) => set({ object })}
			/>
			<FilterRange words="The" value={search.range} onChange={(range) => set({ range })} />
			{isOfWorkspace && (
				<Button
					size="xs"
					variant={search.of === "workspace" ? "filled" : "default"}
					aria-pressed={search.of === "workspace"}
					onClick={() => set({ of: search.of === "workspace" ? undefined : "workspace" })}
				>
					Whole workspace
				</Button>
			)}
		</div>
	);
}

interface KeyFilterProps {
	readonly value: string | undefined;
	readonly onChange: (key: string | undefined) => void;
}

function KeyFilter({ value, onChange }: KeyFilterProps) {
	const { data: keys = [] } = useQuery(keysQuery(useConnection()));
	return (
		<Select
			className="filter"
			aria-label="Key"
			placeholder="Any key"
			searchable
			clearable
			limit={50}
			data={keys.map(({ id, name, hint }) => ({ value: id, label: `${name} (…${hint})` }))}
			value={value ?? null}
			onChange={(key) => onChange(key ?? undefined)}
		/>
	);
}
