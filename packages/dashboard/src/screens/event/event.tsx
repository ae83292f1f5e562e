// S7: one event: its payload as it was sent, and where it went.
import type { Event, EventWithData } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { Payload } from "../../parts/code/payload.tsx";
import { Empty } from "../../parts/feedback/empty.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { CodeShape, FactsShape, Loading } from "../../parts/feedback/skeletons.tsx";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { Fact } from "../../parts/layout/fact.tsx";
import { ListFoot } from "../../parts/layout/list-foot.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Table, TableSkeleton } from "../../parts/layout/table.tsx";
import { usePages } from "../../parts/list/use-pages.ts";
import { Id } from "../../parts/text/copy.tsx";
import { ExactTime } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { deliveryColumns } from "../deliveries/delivery-columns.tsx";
import { deliveriesQuery } from "../deliveries/queries.ts";
import { eventDataQuery, eventQuery } from "../events/queries.ts";
import { Recipients } from "../events/recipients.tsx";
import { ReplaySelected } from "../events/replay-selected.tsx";
import { SendLink } from "../events/send-link.tsx";
import { EraseData } from "./erase-data.tsx";
import { WhyNot } from "./why-not.tsx";

type Shown = Omit<EventWithData, "data">;

const route = getRouteApi("/$projectId/events/$eventId");

export function EventScreen() {
	const { eventId } = route.useParams();
	const project = useProject();
	const { data: event, error, refetch } = useQuery(eventQuery(project, eventId));
	const back = (
		<Link className="link" to="/$projectId/events" params={{ projectId: project.id }} search={{}}>
			‹ Events
		</Link>
	);
	if (event === undefined) {
		return (
			<>
				<PageHead title="Event" back={back} />
				{error === null ? (
					<Loading label="the event">
						<FactsShape facts={5} />
						<CodeShape lines={14} />
					</Loading>
				) : (
					<Problem error={error} what="The event could not be loaded" onRetry={refetch} />
				)}
			</>
		);
	}
	return (
		<>
			<PageHead title={event.type} back={back} actions={<Actions key={event.id} event={event} />} />
			<About event={event} />
			<div className="stack tight">
				<h2 className="card-title">Payload</h2>
				<Data event={event} />
			</div>
			<Deliveries event={event} />
		</>
	);
}

function Actions({ event }: { readonly event: Shown }) {
	const mayWrite = useMay("write");
	const navigate = route.useNavigate();
	const [isErasing, erasing] = useDisclosure(false);
	/** Somebody may have gone to another screen meanwhile. */
	const isHere = useIsShown();
	if (!mayWrite || event.dataErased) return null;
	return (
		<>
			<ReplaySelected
				selected={new Set([event.id])}
				verb="Replay it"
				onDone={([replay, second]) => {
					if (!isHere()) return;
					if (replay === undefined || second !== undefined) void navigate({ to: "/$projectId/replays", search: {} });
					else void navigate({ to: "/$projectId/replays/$replayId", params: { replayId: replay.id }, search: {} });
				}}
			/>
			<SendLink search={{ from: event.id }}>Send it as a new event</SendLink>
			<Button variant="default" onClick={erasing.open}>
				Erase the payload…
			</Button>
			<EraseData event={event} isOpen={isErasing} onClose={erasing.close} />
		</>
	);
}

const TARGETS: Readonly<Record<NonNullable<EventWithData["targets"]>, string>> = {
	everyone: "All webhooks that want its type",
	webhooks: "The webhooks that the send named",
	nobody: "No webhook: the send named none",
};

function About({ event }: { readonly event: Shown }) {
	const { id, createDate, timestamp, customerId, customerIds, tags, idempotencyKey, targets, traceparent } = event;
	return (
		<section className="card card-pad" aria-label="Event">
			<dl className="facts">
				<Fact name="Event">
					<Id id={id} label="Copy the event's id" />
				</Fact>
				<Fact name="Accepted">
					<ExactTime at={createDate} />
				</Fact>
				{Math.abs(timestamp - createDate) >= 1_000 && (
					<Fact name="Happened">
						<ExactTime at={timestamp} />
					</Fact>
				)}
				{(customerId ?? customerIds) !== undefined && (
					<Fact name="For">
						<Recipients event={event} />
					</Fact>
				)}
				{targets !== null && <Fact name="Sent to">{TARGETS[targets]}</Fact>}
				{tags !== undefined && (
					<Fact name="Tags">
						<Tags tags={tags} />
					</Fact>
				)}
				{idempotencyKey !== null && (
					<Fact name="Idempotency key">
						<Id id={idempotencyKey} label="Copy the idempotency key" />
					</Fact>
				)}
				{traceparent !== null && (
					<Fact name="Trace">
						<Id id={traceparent} label="Copy the traceparent" />
					</Fact>
				)}
			</dl>
		</section>
	);
}

function Tags({ tags }: { readonly tags: NonNullable<Event["tags"]> }) {
	const { id: projectId } = useProject();
	return (
		<span className="pills">
			{tags.map((tag) => (
				<Link key={tag} className="pill mono" to="/$projectId/events" params={{ projectId }} search={{ tag }}>
					{tag}
				</Link>
			))}
		</span>
	);
}

function Data({ event }: { readonly event: Shown }) {
	const {
		data: text,
		error,
		refetch,
	} = useQuery({
		...eventDataQuery(useProject(), event.id),
		enabled: !event.dataErased,
	});
	if (event.dataErased || text === null) {
		return <p className="note calm flat">The payload was erased. The log of its deliveries stays.</p>;
	}
	if (error !== null) {
		return <Problem error={error} what="The payload could not be loaded" onRetry={refetch} />;
	}
	if (text === undefined) {
		return (
			<Loading label="the payload">
				<CodeShape lines={14} />
			</Loading>
		);
	}
	return <Payload label="Payload" text={text} />;
}

function Deliveries({ event }: { readonly event: Shown }) {
	const project = useProject();
	const list = usePages({
		...deliveriesQuery(project, { event: event.id }),
		// Replays and retries make and change deliveries of old events.
		staleTime: 0,
	});
	const { query, rows, error } = list;
	const columns = deliveryColumns({ projectId: project.id, filter: { event: event.id } });
	return (
		<section className="stack tight" aria-label="Deliveries">
			<h2 className="card-title">Deliveries</h2>
			{error !== null && (
				<Problem error={error} what="Its deliveries could not be loaded" onRetry={() => query.refetch()} />
			)}
			{rows === undefined && error === null && <TableSkeleton label="its deliveries" columns={columns} rows={3} />}
			{rows?.length === 0 && <Undelivered event={event} />}
			{rows !== undefined && rows.length > 0 && (
				<Table
					label="Deliveries of the event"
					columns={columns}
					rows={rows}
					keyOf={({ id }) => id}
					near={list.near}
					foot={<ListFoot key={list.key} list={list} shown={rows.length} />}
				/>
			)}
			{rows !== undefined && <WhyNot eventId={event.id} isOpen={rows.length === 0} />}
		</section>
	);
}

function Undelivered({ event }: { readonly event: Shown }) {
	const { id: projectId } = useProject();
	return (
		<Empty
			icon="deliveries"
			title="No webhook got it"
			actions={
				<Link className="link" to="/$projectId/webhooks" params={{ projectId }} search={{}}>
					See what the webhooks want
				</Link>
			}
		>
			No webhook wanted {event.type} when it was accepted, or none of those that the event is for: see below why. A
			replay can still send it.
		</Empty>
	);
}
