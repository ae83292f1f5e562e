// S7: the events of a project, by filter.
import type { LoggedEvent, StreamItem } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";

import { beforeLast, expectedTypes, timeOf, typesText } from "../../app/search.ts";
import { useRefreshOn } from "../../live/use-live.ts";
import { Empty } from "../../parts/feedback/empty.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { FilterRange } from "../../parts/form/filter-range.tsx";
import { FilterText } from "../../parts/form/filter-text.tsx";
import { Removable } from "../../parts/form/removable.tsx";
import { ListFoot } from "../../parts/layout/list-foot.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton, type Column } from "../../parts/layout/table.tsx";
import { ExportButton } from "../../parts/list/export-button.tsx";
import { SelectionSign } from "../../parts/list/selection-sign.tsx";
import { usePages } from "../../parts/list/use-pages.ts";
import { useSelection } from "../../parts/list/use-selection.ts";
import { CutId } from "../../parts/text/cut-id.tsx";
import { Time } from "../../parts/text/time.tsx";
import { formatTime, useZone } from "../../parts/text/zone.ts";
import { useMay, useProject } from "../../session/caller.ts";
import { isOfSearch, isToldByEvent } from "../deliveries/live-match.ts";
import { NewRows } from "../deliveries/new-rows.tsx";
import { selectColumn } from "../deliveries/select-column.tsx";
import { useTriageKeys } from "../deliveries/use-triage-keys.ts";
import { Outcomes } from "./outcomes.tsx";
import { eventsQuery, filterOf } from "./queries.ts";
import { Recipients } from "./recipients.tsx";
import { MOST_EVENTS, ReplaySelected } from "./replay-selected.tsx";
import type { EventsSearch } from "./search.ts";
import { SendLink } from "./send-link.tsx";

const route = getRouteApi("/$projectId/events");
const WORDS = ["event", "events"] as const;

export function EventsScreen() {
	const search = route.useSearch();
	const project = useProject();
	const mayWrite = useMay("write");
	const query = eventsQuery(project, search);
	const list = usePages(query, { dateOf: ({ createDate }) => createDate });
	const { rows, error } = list;
	const { refetch, hasNextPage } = list.query;
	const ids = rows?.map(({ id }) => id) ?? [];
	const selection = useSelection({ list: list.key, ids, words: WORDS, most: MOST_EVENTS });
	const { selected, toggle } = selection;
	const { to, ...rest } = search;
	/** Whether an accepted event tells by itself that it belongs here. In a list that ends in the past, nothing is new. */
	const isTold = isToldByEvent(rest);
	const mayBring = (item: StreamItem) =>
		item.kind === "event.accepted" && isOfSearch({ ...item, tags: item.tags ?? [] }, search);
	useRefreshOn(project.id, query.queryKey, isTold || search.before !== undefined ? null : mayBring);
	const known = new Set([...ids, ...list.newer.rows.map(({ id }) => id)]);
	const current = useTriageKeys({ ids, list: list.key, onSelect: mayWrite ? toggle : null });
	const older = beforeLast(rows ?? []);
	const columns = columnsOf(project.id, rows ?? []);
	const nameOf = ({ type }: LoggedEvent) => type;
	const allColumns = mayWrite ? [selectColumn({ selection, nameOf }), ...columns] : columns;
	return (
		<>
			<PageHead
				title="Events"
				actions={
					<>
						{mayWrite && <SelectionSign selection={selection} />}
						{mayWrite && <ReplaySelected key={list.key} selected={selected} onDone={selection.clear} />}
						<ExportButton
							key={`export ${list.key}`}
							words={WORDS}
							contents="Type, times, customers, tags and counts of deliveries of each event, without payloads"
							exporter={project.events}
							isEmpty={ids.length === 0}
							isFiltered={Object.keys(search).length > 0}
							filterOf={() => filterOf(search, Date.now())}
						/>
						{mayWrite && <SendLink search={search.type === undefined ? {} : { type: search.type }} />}
					</>
				}
			/>
			<Filters search={search} />
			{error !== null && <Problem error={error} what="The events could not be loaded" onRetry={refetch} />}
			<NewRows
				projectId={project.id}
				words={WORDS}
				list={list}
				rowsOf={
					isTold
						? (event) => {
								const isWanted = to === undefined || event.deliveryCount === 0;
								return isWanted && isOfSearch(event, search) && !known.has(event.eventId) ? 1 : 0;
							}
						: null
				}
			/>
			{rows === undefined && error === null && <TableSkeleton label="events" columns={allColumns} />}
			{rows?.length === 0 && !hasNextPage && <Nothing search={search} mayWrite={mayWrite} />}
			{rows !== undefined && (rows.length > 0 || hasNextPage) && (
				<Table
					label="Events"
					columns={allColumns}
					rows={rows}
					keyOf={({ id }) => id}
					isSelected={({ id }) => selected.has(id)}
					current={current}
					near={list.near}
					foot={
						<ListFoot
							key={list.key}
							list={list}
							shown={rows.length}
							older={
								older !== undefined && (
									<Link
										className="link"
										from="/$projectId/events"
										to="/$projectId/events"
										search={{ ...search, before: older }}
									>
										Show those before ›
									</Link>
								)
							}
						/>
					}
				/>
			)}
		</>
	);
}

function columnsOf(projectId: string, rows: readonly LoggedEvent[]): Column<LoggedEvent>[] {
	const hasTags = rows.some(({ tags }) => tags !== undefined);
	const hasCustomers = rows.some(({ customerId, customerIds }) => (customerId ?? customerIds) !== undefined);
	const columns: (Column<LoggedEvent> | false)[] = [
		{
			name: "Event type",
			width: "minmax(9rem, 1.2fr)",
			cell: ({ id, type }) => (
				<div className="cut">
					<Link
						className="row-link mono"
						to="/$projectId/events/$eventId"
						params={{ projectId, eventId: id }}
						data-row={id}
					>
						{type}
					</Link>
				</div>
			),
		},
		{
			name: "Id",
			width: "minmax(8rem, 1.2fr)",
			phone: "whole",
			cell: ({ id }) => <CutId id={id} />,
		},
		hasCustomers && {
			name: "For",
			width: "minmax(6rem, 1fr)",
			phone: "whole",
			cell: (event) => <Recipients event={event} />,
		},
		hasTags && {
			name: "Tags",
			isRoomy: true,
			width: "minmax(7rem, 1.2fr)",
			phone: "whole",
			cell: ({ tags }) =>
				tags === undefined ? <span className="dim none">–</span> : <div className="cut mono">{tags.join(", ")}</div>,
		},
		{
			name: "Deliveries",
			width: "minmax(8rem, 11rem)",
			cell: (event) => <Outcomes event={event} />,
		},
		{
			name: "Accepted",
			width: "minmax(8rem, 9.25rem)",
			phone: "beside",
			cell: ({ createDate }) => <Time at={createDate} />,
		},
	];
	return columns.filter((column) => column !== false);
}

function Filters({ search }: { readonly search: EventsSearch }) {
	const navigate = route.useNavigate();
	const [zone] = useZone();
	const set = (change: { readonly [Name in keyof EventsSearch]: EventsSearch[Name] | undefined }) =>
		void navigate({ search: (search) => ({ ...search, ...change }) });
	return (
		<div className="bar" role="search" aria-label="Events">
			<FilterText
				isFirst
				label="Event type"
				placeholder="Any event type"
				read={(text) => typesText(text, "events")}
				expected={expectedTypes("events")}
				value={search.type}
				onChange={(type) => set({ type })}
			/>
			<FilterText
				label="Customer"
				placeholder="Any customer"
				value={search.customer}
				onChange={(customer) => set({ customer })}
			/>
			<FilterText label="Tag" placeholder="Any tag" value={search.tag} onChange={(tag) => set({ tag })} />
			<FilterRange words="Accepted in the" value={search.range} onChange={(range) => set({ range })} />
			<Button
				size="xs"
				variant={search.to === "nobody" ? "filled" : "default"}
				aria-pressed={search.to === "nobody"}
				onClick={() => set({ to: search.to === "nobody" ? undefined : "nobody" })}
			>
				Wanted by no webhook
			</Button>
			{search.before !== undefined && (
				<Removable
					text={`Accepted before ${formatTime(timeOf(search.before), "short", zone)}`}
					onRemove={() => set({ before: undefined })}
				/>
			)}
			{Object.keys(search).length > 0 && (
				<Button size="compact-sm" variant="subtle" onClick={() => void navigate({ search: {} })}>
					Remove all filters
				</Button>
			)}
		</div>
	);
}

function Nothing({ search, mayWrite }: { readonly search: EventsSearch; readonly mayWrite: boolean }) {
	if (Object.keys(search).length === 0) {
		return (
			<Empty icon="events" title="No event yet" actions={mayWrite && <SendLink search={{}} />}>
				Your product sends events, and each webhook that wants one gets a delivery. Send the first from here, with an
				example as its payload.
			</Empty>
		);
	}
	return (
		<Empty
			icon="search"
			title="No event matches"
			actions={
				<Link className="link" from="/$projectId/events" to="/$projectId/events" search={{}}>
					Remove all filters
				</Link>
			}
		>
			Write whole names of types, or a prefix such as order.*; customers and tags as a whole. Remove a filter to see
			more.
		</Empty>
	);
}
