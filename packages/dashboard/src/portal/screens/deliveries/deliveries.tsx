// The deliveries to all endpoints of the customer, filtered by state, endpoint, event and time.
import type { Webhook } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";

import { Head } from "../../parts/head.tsx";
import { Loading } from "../../parts/loading.tsx";
import { To } from "../../parts/to.tsx";
import { endpointQuery, endpointsQuery } from "../../session/queries.ts";
import { useMay, useProject } from "../../session/use-session.ts";
import { useTexts } from "../../texts/reader.tsx";
import { Deliveries } from "./list.tsx";
import { RetryAll } from "./retry-all.tsx";
import type { ListSearch } from "./search.ts";

export function DeliveriesScreen() {
	const search: ListSearch = useSearch({ strict: false });
	const project = useProject();
	const { endpoint } = search;
	const chosen = useQuery({ ...endpointQuery(project, endpoint ?? ""), enabled: endpoint !== undefined });
	// The address may name an endpoint of somebody else.
	if (endpoint !== undefined && chosen.data === undefined) return <Loading error={chosen.error} />;
	return <All search={search} chosen={chosen.data === undefined ? [] : [chosen.data]} />;
}

interface AllProps {
	readonly search: ListSearch;
	/** The endpoint of the search, if it has one. */
	readonly chosen: readonly Webhook[];
}

function All({ search, chosen }: AllProps) {
	const texts = useTexts();
	const project = useProject();
	const mayRetry = useMay("deliveries.retry");
	const { data: endpoints } = useQuery(endpointsQuery(project));
	const { show, type, since, endpoint: webhookId } = search;
	return (
		<div className="stack">
			<Head title={texts.deliveries.title} />
			{mayRetry && show === "failed" && (
				<RetryAll key={JSON.stringify(search)} choice={{ webhookId, shown: show, type, since }} />
			)}
			<Deliveries
				search={search}
				endpoints={endpoints ?? chosen}
				whenEmpty={endpoints?.length === 0 ? <NoEndpoints /> : undefined}
			/>
		</div>
	);
}

/** Nothing was sent yet because nobody can get anything. */
function NoEndpoints() {
	const { list, deliveries: words } = useTexts();
	const mayWrite = useMay("webhooks.write");
	return (
		<section className="card empty">
			<h2>{words.none}</h2>
			<p>{mayWrite ? words.noEndpoint : list.emptyReadOnly}</p>
			{mayWrite && (
				<To to="/add" className="button primary">
					{list.add}
				</To>
			)}
		</section>
	);
}
