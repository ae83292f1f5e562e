// The endpoints of the customer: first those that need somebody.
import type { Webhook } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";

import { Icon } from "../../../parts/layout/icon.tsx";
import { Egress } from "../../parts/egress.tsx";
import { Head } from "../../parts/head.tsx";
import { Loading } from "../../parts/loading.tsx";
import { Note } from "../../parts/note.tsx";
import { EndpointBadge, endpointState, type EndpointState } from "../../parts/state.tsx";
import { To } from "../../parts/to.tsx";
import { endpointsQuery } from "../../session/queries.ts";
import { useMay, useProject } from "../../session/use-session.ts";
import { causeText } from "../../texts/causes.ts";
import { useReader, useTexts } from "../../texts/reader.tsx";

const RANKS: Readonly<Record<EndpointState, number>> = { disabled: 0, failing: 1, paused: 2, working: 3, unused: 3 };
/** More than these are only in the list. */
const MOST_NOTES = 3;

export function EndpointsScreen() {
	const texts = useTexts();
	const mayWrite = useMay("webhooks.write");
	const { data: endpoints, error } = useQuery(endpointsQuery(useProject()));
	return (
		<div className="stack">
			<Head title={texts.endpoints} actions={mayWrite && (endpoints?.length ?? 0) > 0 && <AddLink />} />
			{endpoints === undefined ? <Loading error={error} /> : <Endpoints endpoints={endpoints} />}
			<Egress />
		</div>
	);
}

function AddLink() {
	const { list } = useTexts();
	return (
		<To to="/add" className="button primary">
			<Icon name="plus" size={15} />
			{list.add}
		</To>
	);
}

function Endpoints({ endpoints }: { readonly endpoints: readonly Webhook[] }) {
	const { list } = useTexts();
	const mayWrite = useMay("webhooks.write");
	if (endpoints.length === 0) {
		return (
			<section className="card empty">
				<h2>{list.empty}</h2>
				<p>{list.intro}</p>
				<p>{mayWrite ? list.emptyText : list.emptyReadOnly}</p>
				{mayWrite && <AddLink />}
			</section>
		);
	}
	const sorted = endpoints.toSorted((one, other) => RANKS[endpointState(one)] - RANKS[endpointState(other)]);
	const inTrouble = sorted.filter((endpoint) => RANKS[endpointState(endpoint)] < RANKS.working);
	return (
		<>
			{inTrouble.slice(0, MOST_NOTES).map((endpoint) => (
				<Trouble key={endpoint.id} endpoint={endpoint} />
			))}
			<ul className="card rows">
				{sorted.map((endpoint) => (
					<Row key={endpoint.id} endpoint={endpoint} />
				))}
			</ul>
		</>
	);
}

/** What is wrong with an endpoint, and the way to its cure. */
function Trouble({ endpoint }: { readonly endpoint: Webhook }) {
	const { texts, formats } = useReader();
	const mayWrite = useMay("webhooks.write");
	const { id, name, health, lastAttempt } = endpoint;
	const state = endpointState(endpoint);
	if (state === "working" || state === "unused") return null;
	const cause = lastAttempt?.cause ?? null;
	const mustResume = state !== "failing";
	return (
		<Note tone={state === "paused" ? "warn" : "bad"} title={texts.list[state](name)}>
			{state !== "paused" && health.failingSince !== null && (
				<p>{texts.endpoint.failing(formats.date(health.failingSince))}</p>
			)}
			{state !== "paused" && cause !== null && <p>{causeText(texts, cause).join(" ")}</p>}
			<p>
				<To to="/endpoints/$webhookId" params={{ webhookId: id }} className="strong">
					{mustResume && mayWrite ? texts.list.fix : texts.list.look}
				</To>
			</p>
		</Note>
	);
}

function Row({ endpoint }: { readonly endpoint: Webhook }) {
	const { texts, formats } = useReader();
	const { id, name, endpoint: url, eventTypes, deliveries } = endpoint;
	const counts = [
		[deliveries.Failed, texts.list.failed],
		[deliveries.Held, texts.list.held],
		[deliveries.Pending, texts.list.waiting],
	] as const;
	return (
		<li className="row">
			<div className="row-main">
				<To to="/endpoints/$webhookId" params={{ webhookId: id }} className="row-link">
					<bdi>{name}</bdi>
				</To>
				<span className="dim cut" dir="ltr">
					{url}
				</span>
			</div>
			<div className="row-side dim small">
				{counts
					.filter(([count]) => count > 0)
					.map(([count, words]) => (
						<span key={words(2, "")}>{words(count, formats.number(count))}</span>
					))}
				<span>
					{eventTypes === null
						? texts.list.allEvents
						: texts.list.events(eventTypes.length, formats.number(eventTypes.length))}
				</span>
			</div>
			<EndpointBadge endpoint={endpoint} />
		</li>
	);
}
