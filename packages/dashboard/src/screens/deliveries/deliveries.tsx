// S5: the deliveries of a project, by filter, live, with one of them beside the list on wide screens.
import type { Delivery, DeliveryCount, StreamItem } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { MouseEvent } from "react";

import { beforeLast, filterPart } from "../../app/search.ts";
import { useRefreshOn } from "../../live/use-live.ts";
import { Problem } from "../../parts/feedback/problem.tsx";
import { CodeShape, FactsShape, ItemsShape } from "../../parts/feedback/skeletons.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { ListFoot } from "../../parts/layout/list-foot.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { lazyPart, Part } from "../../parts/layout/part.tsx";
import { Table, TableSkeleton } from "../../parts/layout/table.tsx";
import { SelectionSign } from "../../parts/list/selection-sign.tsx";
import { usePages } from "../../parts/list/use-pages.ts";
import { useSelection } from "../../parts/list/use-selection.ts";
import { count } from "../../parts/text/format.ts";
import { useMay, useProject } from "../../session/caller.ts";
import { useShortcuts } from "../../shell/shortcuts/use-shortcuts.ts";
import { useWebhookNames } from "../webhooks/names.ts";
import { BulkActions } from "./bulk/bulk-actions.tsx";
import { deliveryColumns } from "./delivery-columns.tsx";
import { ExportDeliveries } from "./export-deliveries.tsx";
import { Filters, hasFilter } from "./filters.tsx";
import { isOfSearch, isToldByEvent, mayBringDelivery, mayChangeCount, recountAfterMs } from "./live-match.ts";
import { NewRows } from "./new-rows.tsx";
import { countQuery, deliveriesQuery } from "./queries.ts";
import { selectColumn } from "./select-column.tsx";
import { focusRow, useTriageKeys } from "./use-triage-keys.ts";

const route = getRouteApi("/$projectId/deliveries");
const panel = lazyPart("delivery-panel", async () => (await import("../delivery/delivery-panel.tsx")).DeliveryPanel);
const nothing = lazyPart("no-deliveries", async () => (await import("./nothing.tsx")).Nothing);
/** From this width on, a delivery is shown beside the list. */
const SPLIT = "(min-width: 75rem)";
const WORDS = ["delivery", "deliveries"] as const;
/** Each of them is a call. More are changed by the filter. */
const MOST_SELECTED = 1_000;

export function DeliveriesScreen() {
	const search = route.useSearch();
	const navigate = route.useNavigate();
	const project = useProject();
	const mayWrite = useMay("write");
	// Before somebody opens one beside the list.
	useQuery(panel);
	const { attempt } = search;
	const isWide = useMediaQuery(SPLIT, false, { getInitialValueInEffect: false });
	const filter = filterPart(search);
	const query = deliveriesQuery(project, search);
	const list = usePages(query, { dateOf: ({ createDate }) => createDate });
	const { rows, error } = list;
	const { refetch, hasNextPage } = list.query;
	const webhooks = useWebhookNames([search.webhook]);
	const counting = countQuery(project, search);
	const { data: matching } = useQuery({ ...counting, enabled: hasFilter(search) });
	// A count that took too long would take as long again. What happens during the first one is heard, too.
	const isCountable = hasFilter(search) && matching?.complete !== false;
	const mayCount = (item: StreamItem) => mayChangeCount(item, search);
	useRefreshOn(project.id, counting.queryKey, isCountable ? mayCount : null, recountAfterMs(matching?.tookMs ?? 0));
	const ids = rows?.map(({ id }) => id) ?? [];
	const isWhole = rows !== undefined && !hasNextPage;
	const isEmpty = isWhole && rows.length === 0;
	const matchingWords = matching === undefined ? null : wordsOf(matching, isWhole ? rows.length : null);
	const selection = useSelection({ list: list.key, ids, words: WORDS, most: MOST_SELECTED });
	const { selected, toggle } = selection;
	// In a list that ends in the past, nothing is new.
	const isTold = isToldByEvent(search);
	const keptBack = new Set(list.newer.rows.map(({ id }) => id));
	const mayChange = (item: StreamItem) =>
		mayBringDelivery(item, search) || ("deliveryId" in item && keptBack.has(item.deliveryId));
	useRefreshOn(project.id, query.queryKey, isTold || search.before !== undefined ? null : mayChange);
	const open = (id: string | undefined) =>
		void navigate({
			search: (search) => ({ ...search, open: id, attempt: undefined }),
			replace: search.open !== undefined,
			// The list stays where it is.
			resetScroll: false,
		});
	const isSplit = isWide && search.open !== undefined;
	const current = useTriageKeys({
		ids,
		list: list.key,
		open: isSplit ? search.open : undefined,
		onRow: (id) => isSplit && open(id),
		onSelect: mayWrite ? toggle : null,
	});
	const close = () => {
		// What has the focus beside the list is gone then: the keyboard goes on at the row.
		const isInside = document.querySelector(".split-side")?.contains(document.activeElement) === true;
		if (isInside) focusRow(search.open);
		open(undefined);
	};
	useShortcuts(isSplit ? { Escape: close } : {});
	/** A plain click opens beside the list; any other, such as one for a new tab, is the browser's. */
	const onClick = (event: MouseEvent<HTMLDivElement>) => {
		const id =
			event.target instanceof Element ? event.target.closest<HTMLElement>("[data-row]")?.dataset["row"] : undefined;
		if (!isWide || id === undefined || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
		event.preventDefault();
		open(id);
	};
	/** While the list is on its way, an event may come that it has, and one that it has not. */
	const known = new Set([...(rows ?? []), ...list.newer.rows].map(({ eventId }) => eventId));
	const older = beforeLast(rows ?? []);
	const columns = deliveryColumns({ projectId: project.id, filter, isNarrow: isSplit });
	const nameOf = ({ eventType }: Delivery) => eventType;
	const allColumns = mayWrite ? [selectColumn({ selection, nameOf }), ...columns] : columns;
	const beside = isSplit && search.open !== undefined && (
		<aside className="split-side" aria-label="The delivery">
			<div className="bar split-bar">
				<Link
					className="link"
					to="/$projectId/deliveries/$deliveryId"
					params={{ projectId: project.id, deliveryId: search.open }}
					search={attempt === undefined ? filter : { ...filter, attempt }}
				>
					Open on a page of its own
				</Link>
				<Button
					size="compact-sm"
					variant="subtle"
					color="gray"
					leftSection={<Icon name="cross" size={14} />}
					onClick={close}
				>
					Close
				</Button>
			</div>
			<Part of={panel} props={{ deliveryId: search.open, search }} label="the delivery">
				<FactsShape facts={4} hasHead />
				<CodeShape lines={12} />
			</Part>
		</aside>
	);
	return (
		<>
			<PageHead
				title="Deliveries"
				actions={
					<>
						{mayWrite && <SelectionSign selection={selection} />}
						{mayWrite && (
							<BulkActions
								key={list.key}
								search={search}
								rows={rows ?? []}
								selection={selection}
								isEmpty={isEmpty}
								hasMore={!isWhole}
							/>
						)}
						<ExportDeliveries key={`export ${list.key}`} search={filter} words={WORDS} isEmpty={ids.length === 0} />
					</>
				}
			>
				{matchingWords !== null && hasFilter(search) && <span className="dim num">{matchingWords}</span>}
			</PageHead>
			<Filters search={search} />
			{error !== null && <Problem error={error} what="The deliveries could not be loaded" onRetry={refetch} />}
			<NewRows
				projectId={project.id}
				words={WORDS}
				list={list}
				rowsOf={
					isTold ? (event) => (isOfSearch(event, search) && !known.has(event.eventId) ? event.deliveryCount : 0) : null
				}
			/>
			{isEmpty && (
				<Part of={nothing} props={{ search: filter, webhooks }} label="what can be done">
					<ItemsShape items={1} />
				</Part>
			)}
			{(rows === undefined ? error === null : rows.length > 0 || hasNextPage) && (
				<div className={isSplit ? "split" : undefined}>
					{/* The links inside are reached by keyboard; this only decides where they open. */}
					<div onClickCapture={onClick}>
						{rows === undefined ? (
							<TableSkeleton label="deliveries" columns={allColumns} lines={isSplit ? 2 : 1} />
						) : (
							<Table
								label="Deliveries"
								columns={allColumns}
								rows={rows}
								keyOf={({ id }: Delivery) => id}
								isSelected={({ id }) => id === search.open || selected.has(id)}
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
													from="/$projectId/deliveries"
													to="/$projectId/deliveries"
													search={{ ...filter, before: older }}
												>
													Show those before ›
												</Link>
											)
										}
									/>
								}
							/>
						)}
					</div>
					{beside}
				</div>
			)}
		</>
	);
}

/**
 * `1,204 match`, or `more than 1,204 match` if counting took too long. Then the list tells how many there are if it is loaded to its end. Null
 * if nothing is known yet.
 */
function wordsOf({ count: value, complete }: DeliveryCount, loaded: number | null): string | null {
	const known = complete ? value : loaded;
	if (known === null) return value === 0 ? null : `more than ${count(value)} match`;
	return known === 0 ? "none matches" : `${count(known)} ${known === 1 ? "matches" : "match"}`;
}
