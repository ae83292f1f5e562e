// Deliveries with their filters: those to one endpoint, or to all of them.
import type { Delivery, Webhook } from "@fanfare/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, type KeyboardEvent, type ReactNode } from "react";

import { usePages } from "../../../parts/list/use-pages.ts";
import { useReportNear } from "../../../parts/list/use-report-near.ts";
import { Button } from "../../parts/form/button.tsx";
import { Loading } from "../../parts/loading.tsx";
import { DeliveryBadge } from "../../parts/state.tsx";
import { To } from "../../parts/to.tsx";
import { When } from "../../parts/when.tsx";
import { deliveriesQuery } from "../../session/queries.ts";
import { freshKey } from "../../session/use-changes.ts";
import { useProject } from "../../session/use-session.ts";
import { causeText } from "../../texts/causes.ts";
import { useTexts } from "../../texts/reader.tsx";
import { Filters, useFilterChange } from "./filters.tsx";
import type { ListSearch } from "./search.ts";

interface DeliveriesProps {
	readonly search: ListSearch;
	/** The endpoint whose deliveries are shown. If omitted, those to all endpoints are. */
	readonly webhookId?: string;
	/** The endpoints to choose from in the list of all. */
	readonly endpoints?: readonly Webhook[];
	/** Shown instead of a sentence if there is nothing without a filter. */
	readonly whenEmpty?: ReactNode;
}

export function Deliveries({ search, webhookId, endpoints, whenEmpty }: DeliveriesProps) {
	const texts = useTexts();
	const project = useProject();
	const { show, type, since, endpoint } = search;
	const isOfAll = webhookId === undefined;
	const choice = { webhookId: webhookId ?? endpoint, shown: show, type, since };
	const pages = usePages(deliveriesQuery(project, choice), { dateOf: ({ createDate }) => createDate });
	const { query, rows, near } = pages;
	const list = useRef<HTMLUListElement>(null);
	useReportNear(list, near, rows?.map(({ id }) => id) ?? []);
	const isFiltered =
		show !== undefined || type !== undefined || since !== undefined || (isOfAll && endpoint !== undefined);
	const change = useFilterChange(webhookId ?? null);
	const all = { show: undefined, type: undefined, since: undefined, endpoint: undefined };
	return (
		<section className="stack" aria-label={texts.deliveries.title}>
			<Filters search={search} endpoints={isOfAll ? (endpoints ?? []) : null} onChange={change} />
			<Fresh hasNewer={pages.newer.rows.length > 0} onShow={() => void pages.showNewest()} />
			{rows === undefined ? (
				<Loading error={query.error} rows={5} />
			) : rows.length === 0 ? (
				((isFiltered ? undefined : whenEmpty) ?? (
					<div className="card empty">
						<p>{isFiltered ? texts.deliveries.noneMatch : texts.deliveries.none}</p>
						{isFiltered ? (
							<Button onClick={() => change(all)}>{texts.deliveries.showAll}</Button>
						) : (
							<p>{texts.deliveries.noneText}</p>
						)}
					</div>
				))
			) : (
				<ul className="card rows" ref={list}>
					{rows.map((delivery) => (
						<Row key={delivery.id} delivery={delivery} from={isOfAll ? search : null} />
					))}
				</ul>
			)}
			{query.hasNextPage && (
				<div className="bar">
					<Button isBusy={pages.isLoadingMore} onClick={() => void pages.loadMore()}>
						{texts.more}
					</Button>
				</div>
			)}
		</section>
	);
}

/** The list never moves by itself: it says that there is more. */
function Fresh({ hasNewer, onShow }: { readonly hasNewer: boolean; readonly onShow: () => void }) {
	const { deliveries: words } = useTexts();
	const project = useProject();
	const queryClient = useQueryClient();
	const { data: isFresh } = useQuery({ queryKey: freshKey(project.id), queryFn: () => false, staleTime: Infinity });
	if (isFresh !== true && !hasNewer) return null;
	return (
		<div className="bar" role="status">
			<Button
				kind="quiet"
				icon="down"
				onClick={() => {
					queryClient.setQueryData(freshKey(project.id), false);
					onShow();
				}}
			>
				{words.fresh}
			</Button>
		</div>
	);
}

interface RowProps {
	readonly delivery: Delivery;
	/** The filters of the list of all, to which the way back leads; null in the list of one endpoint. */
	readonly from: ListSearch | null;
}

function Row({ delivery, from }: RowProps) {
	const texts = useTexts();
	const { id, eventType, status, createDate, lastAttempt, nextAttemptDate, webhookName } = delivery;
	const cause = status === "Succeeded" ? null : (lastAttempt?.cause ?? null);
	const search = from === null ? {} : { ...from, from: "all" };
	return (
		<li className="row" data-row={id}>
			<div className="row-main">
				<To
					to="/deliveries/$deliveryId"
					params={{ deliveryId: id }}
					search={search}
					className="row-link"
					onKeyDown={moveByArrows}
				>
					<code dir="ltr">{eventType}</code>
				</To>
				{from !== null && (
					<span className="dim">
						<bdi>{webhookName}</bdi>
					</span>
				)}
				{cause !== null && <span className="dim">{causeText(texts, cause)[0]}</span>}
			</div>
			<div className="row-side dim small">
				<When at={createDate} />
				{status === "Pending" && nextAttemptDate !== null && lastAttempt !== null && (
					<span>
						<When at={nextAttemptDate} form="distance" />
					</span>
				)}
			</div>
			<DeliveryBadge status={status} />
		</li>
	);
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/** The arrows go from the link of a row to that of another. */
function moveByArrows(event: KeyboardEvent<HTMLElement>): void {
	const step = STEPS[event.key];
	if (step === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
	const links = [...(event.currentTarget.closest(".rows")?.querySelectorAll<HTMLElement>(".row-link") ?? [])];
	const at = links.indexOf(event.currentTarget);
	event.preventDefault();
	links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}
