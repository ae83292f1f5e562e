// The deliveries to an endpoint, filtered by state and event.
import type { Delivery, Webhook } from "@fanfare/sdk";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";

import { Button } from "../../parts/form/button.tsx";
import { Loading } from "../../parts/loading.tsx";
import { DeliveryBadge } from "../../parts/state.tsx";
import { To, useGo } from "../../parts/to.tsx";
import { When } from "../../parts/when.tsx";
import { deliveriesQuery, SHOWN, useEventTypes, type Shown } from "../../session/queries.ts";
import { freshKey } from "../../session/use-changes.ts";
import { useProject } from "../../session/use-session.ts";
import { causeText } from "../../texts/causes.ts";
import { useTexts } from "../../texts/reader.tsx";
import type { EndpointSearch } from "./search.ts";

interface DeliveriesProps {
	readonly endpoint: Webhook;
	readonly search: EndpointSearch;
}

export function Deliveries({ endpoint: { id }, search: { show, type } }: DeliveriesProps) {
	const texts = useTexts();
	const project = useProject();
	const query = useInfiniteQuery(deliveriesQuery(project, { webhookId: id, shown: show, type }));
	const rows = query.data?.pages.flatMap(({ data }) => data);
	const isFiltered = show !== undefined || type !== undefined;
	return (
		<section className="stack" aria-label={texts.endpoint.deliveries}>
			<Filters webhookId={id} show={show} type={type} />
			<Fresh onShow={() => void query.refetch()} />
			{rows === undefined ? (
				<Loading error={query.error} rows={5} />
			) : rows.length === 0 ? (
				<p className="card empty">{isFiltered ? texts.deliveries.noneMatch : texts.deliveries.none}</p>
			) : (
				<ul className="card rows">
					{rows.map((delivery) => (
						<Row key={delivery.id} delivery={delivery} />
					))}
				</ul>
			)}
			{query.hasNextPage && (
				<div className="bar">
					<Button isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
						{texts.more}
					</Button>
				</div>
			)}
		</section>
	);
}

interface FiltersProps {
	readonly webhookId: string;
	readonly show: Shown | undefined;
	readonly type: string | undefined;
}

function Filters({ webhookId, show, type }: FiltersProps) {
	const { deliveries: words } = useTexts();
	const { data: types = [] } = useEventTypes();
	const go = useGo();
	const change = (search: { readonly show?: string | undefined; readonly type?: string | undefined }) =>
		go({ to: "/endpoints/$webhookId", params: { webhookId }, search: { show, type, ...search } });
	const names = types.map(({ name }) => name);
	return (
		<div className="bar">
			<div className="segments" role="group" aria-label={words.filter}>
				<button type="button" aria-pressed={show === undefined} onClick={() => change({ show: undefined })}>
					{words.all}
				</button>
				{(Object.keys(SHOWN) as Shown[]).map((one) => (
					<button key={one} type="button" aria-pressed={show === one} onClick={() => change({ show: one })}>
						{words[one]}
					</button>
				))}
			</div>
			{names.length > 0 && (
				<select
					aria-label={words.type}
					value={type ?? ""}
					onChange={({ currentTarget }) =>
						change({ type: currentTarget.value === "" ? undefined : currentTarget.value })
					}
				>
					<option value="">{words.anyType}</option>
					{(type === undefined || names.includes(type) ? names : [type, ...names]).map((name) => (
						<option key={name} value={name}>
							{name}
						</option>
					))}
				</select>
			)}
		</div>
	);
}

/** The list never moves by itself: it says that there is more. */
function Fresh({ onShow }: { readonly onShow: () => void }) {
	const { deliveries: words } = useTexts();
	const project = useProject();
	const queryClient = useQueryClient();
	const { data: isFresh } = useQuery({ queryKey: freshKey(project.id), queryFn: () => false, staleTime: Infinity });
	if (isFresh !== true) return null;
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

function Row({ delivery }: { readonly delivery: Delivery }) {
	const texts = useTexts();
	const { id, eventType, status, createDate, lastAttempt, nextAttemptDate } = delivery;
	const cause = status === "Succeeded" ? null : (lastAttempt?.cause ?? null);
	return (
		<li className="row">
			<div className="row-main">
				<To to="/deliveries/$deliveryId" params={{ deliveryId: id }} className="row-link">
					<code dir="ltr">{eventType}</code>
				</To>
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
