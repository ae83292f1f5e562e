// S7: sends an event, with an example or the payload of an earlier one, and says before who gets it.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { prettyText } from "../../parts/code/json-tokens.ts";
import { Problem } from "../../parts/feedback/problem.tsx";
import { FormShape, ItemsShape, Loading } from "../../parts/feedback/skeletons.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { eventDataQuery, eventQuery } from "../events/queries.ts";
import { useEventTypes } from "../webhooks/queries.ts";
import { EMPTY, exampleText, type Draft } from "./draft.ts";
import { SendForm } from "./send-form.tsx";

const route = getRouteApi("/$projectId/events/send");

export function SendScreen() {
	const { id: projectId } = useProject();
	const mayWrite = useMay("write");
	const { from, type } = route.useSearch();
	return (
		<>
			<PageHead
				title="Send an event"
				back={
					<Link className="link" to="/$projectId/events" params={{ projectId }} search={{}}>
						‹ Events
					</Link>
				}
			/>
			{!mayWrite && <p className="dim">Your key may only read: sending events needs the scope write.</p>}
			{mayWrite &&
				(from === undefined ? <NewEvent key={type} type={type ?? ""} /> : <OfEvent key={from} eventId={from} />)}
		</>
	);
}

function NewEvent({ type }: { readonly type: string }) {
	const { data: types, error, errorUpdateCount, refetch } = useEventTypes();
	// Once it has failed, the form stays: it asks for the types, too, and is not to come and go with each try.
	if (types === undefined && errorUpdateCount === 0) return <FormToCome />;
	const text = exampleText(types?.find(({ name }) => name === type)) ?? EMPTY.text;
	return (
		<>
			{error !== null && (
				<Problem
					error={error}
					what="The event types could not be loaded, so write the type and the payload yourself"
					onRetry={refetch}
				/>
			)}
			<SendForm initial={{ ...EMPTY, type, text }} />
		</>
	);
}

/** The form with what an earlier event had. */
function OfEvent({ eventId }: { readonly eventId: string }) {
	const project = useProject();
	const event = useQuery(eventQuery(project, eventId));
	const text = useQuery(eventDataQuery(project, eventId));
	const error = event.error ?? text.error;
	if (error !== null) {
		return (
			<Problem
				error={error}
				what="The earlier event could not be loaded"
				onRetry={() => Promise.all([event.refetch(), text.refetch()])}
			/>
		);
	}
	if (event.data === undefined || text.data === undefined) return <FormToCome />;
	const { type, customerId, customerIds, tags = [] } = event.data;
	const draft: Draft = {
		...EMPTY,
		type,
		text: text.data === null ? EMPTY.text : prettyText(text.data),
		tags,
		audience: customerIds === "*" ? "all" : (customerId ?? customerIds) === undefined ? "nobody" : "customers",
		customerIds: customerId === undefined ? (customerIds === "*" ? [] : (customerIds ?? [])) : [customerId],
	};
	return <SendForm initial={draft} />;
}

function FormToCome() {
	return (
		<Loading label="the form">
			<div className="beside">
				<FormShape fields={4} />
				<ItemsShape items={3} />
			</div>
		</Loading>
	);
}
