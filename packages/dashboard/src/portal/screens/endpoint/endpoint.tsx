// One endpoint: how it is and what to do, its deliveries, and its settings.
import type { Webhook } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";

import { Head } from "../../parts/head.tsx";
import { Loading } from "../../parts/loading.tsx";
import { EndpointBadge } from "../../parts/state.tsx";
import { To, usePart } from "../../parts/to.tsx";
import { endpointQuery } from "../../session/queries.ts";
import { useMay, useProject } from "../../session/use-session.ts";
import { useTexts } from "../../texts/reader.tsx";
import { Deliveries } from "../deliveries/list.tsx";
import type { ListSearch } from "../deliveries/search.ts";
import { Condition } from "./condition.tsx";
import { Settings } from "./settings.tsx";

export function EndpointScreen() {
	const webhookId = usePart("webhookId");
	const { data: endpoint, error } = useQuery(endpointQuery(useProject(), webhookId));
	if (endpoint === undefined) return <Loading error={error} />;
	return <Endpoint key={endpoint.id} endpoint={endpoint} />;
}

function Endpoint({ endpoint }: { readonly endpoint: Webhook }) {
	const texts = useTexts();
	const mayWrite = useMay("webhooks.write");
	const mayRotate = useMay("secrets.rotate");
	const search: ListSearch & { readonly view?: "settings" } = useSearch({ strict: false });
	const hasSettings = mayWrite || mayRotate;
	const isSettings = hasSettings && search.view === "settings";
	const params = { webhookId: endpoint.id };
	return (
		<div className="stack">
			<Head
				title={endpoint.name}
				back={
					<To to="/" className="link">
						{texts.back(texts.endpoints)}
					</To>
				}
				beside={<EndpointBadge endpoint={endpoint} />}
			/>
			<p className="flat dim address" dir="ltr">
				{endpoint.endpoint}
			</p>
			<Condition endpoint={endpoint} />
			{hasSettings && (
				<nav className="tabs" aria-label={endpoint.name}>
					<View to={params} isCurrent={!isSettings}>
						{texts.deliveries.title}
					</View>
					<View to={params} view="settings" isCurrent={isSettings}>
						{texts.endpoint.settings}
					</View>
				</nav>
			)}
			{isSettings ? <Settings endpoint={endpoint} /> : <Deliveries webhookId={endpoint.id} search={search} />}
		</div>
	);
}

interface ViewProps {
	readonly to: { readonly webhookId: string };
	readonly view?: "settings";
	readonly isCurrent: boolean;
	readonly children: string;
}

function View({ to, view, isCurrent, children }: ViewProps) {
	return (
		<To to="/endpoints/$webhookId" params={to} search={{ view }} className={isCurrent ? "tab current" : "tab"}>
			{children}
		</To>
	);
}
