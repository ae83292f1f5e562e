// One delivery: whether it arrived, why not and what to do, each try, and what was sent.
import { ApiError, type Attempt, type DeliveryDetail } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";

import { TextBlock } from "../../parts/copy.tsx";
import { Button } from "../../parts/form/button.tsx";
import { Head } from "../../parts/head.tsx";
import { JsonBlock } from "../../parts/json-block.tsx";
import { Loading } from "../../parts/loading.tsx";
import { Note } from "../../parts/note.tsx";
import { Problem } from "../../parts/problem.tsx";
import { DeliveryBadge } from "../../parts/state.tsx";
import { To, usePart } from "../../parts/to.tsx";
import { useNow, When } from "../../parts/when.tsx";
import { deliveryQuery, useChange } from "../../session/queries.ts";
import { useMay, useProject } from "../../session/use-session.ts";
import { causeText } from "../../texts/causes.ts";
import { useReader, useTexts } from "../../texts/reader.tsx";
import type { ListSearch } from "../deliveries/search.ts";

const GONE = 410;

export function DeliveryScreen() {
	const deliveryId = usePart("deliveryId");
	const { data: delivery, error } = useQuery(deliveryQuery(useProject(), deliveryId));
	if (delivery === undefined) return <Loading error={error} />;
	return <Delivery key={delivery.id} delivery={delivery} />;
}

function Delivery({ delivery }: { readonly delivery: DeliveryDetail }) {
	const mayRead = useMay("payloads.read");
	const { webhookId, webhookName, eventType, status, eventId, createDate } = delivery;
	const isOfAll = useSearchedList() !== null;
	return (
		<div className="stack">
			<Head
				title={eventType}
				back={<Back endpoint={{ id: webhookId, name: webhookName }} />}
				beside={<DeliveryBadge status={status} />}
			/>
			<p className="flat dim">
				{isOfAll && (
					<>
						<To to="/endpoints/$webhookId" params={{ webhookId }} className="link">
							<bdi>{webhookName}</bdi>
						</To>{" "}
						·{" "}
					</>
				)}
				<When at={createDate} />
			</p>
			<Outcome delivery={delivery} />
			<Tries attempts={delivery.attempts} />
			{mayRead && <Sent eventId={eventId} />}
		</div>
	);
}

/** The filters of the list of all deliveries that led here; null if none did. */
function useSearchedList(): ListSearch | null {
	const { from, ...filters }: ListSearch & { readonly from?: "all" } = useSearch({ strict: false });
	return from === undefined ? null : filters;
}

/** To the list of all as it was, or to the endpoint. */
function Back({ endpoint: { id, name } }: { readonly endpoint: { readonly id: string; readonly name: string } }) {
	const texts = useTexts();
	const filters = useSearchedList();
	if (filters === null) {
		return (
			<To to="/endpoints/$webhookId" params={{ webhookId: id }} className="link">
				{texts.back(name)}
			</To>
		);
	}
	const { show, type, since, endpoint } = filters;
	return (
		<To to="/deliveries" search={{ show, type, since, endpoint }} className="link">
			{texts.back(texts.deliveries.title)}
		</To>
	);
}

/** What has happened, what to do about it, and another try. */
function Outcome({ delivery }: { readonly delivery: DeliveryDetail }) {
	const { texts, formats } = useReader();
	const { delivery: words } = texts;
	const now = useNow();
	const mayRetry = useMay("deliveries.retry");
	const retry = useChange((project) => project.deliveries.retry(delivery.id));
	const { status, lastAttempt, nextAttemptDate } = delivery;
	const canRetry =
		mayRetry && (status === "Failed" || status === "Cancelled" || (status === "Pending" && lastAttempt !== null));
	const next =
		status === "Pending" && lastAttempt !== null && nextAttemptDate !== null && nextAttemptDate > now
			? words.next(formats.distance(nextAttemptDate, now))
			: null;
	return (
		<section className="card pad stack">
			<OutcomeNote delivery={delivery} />
			{next !== null && <p className="flat">{next}</p>}
			{canRetry && (
				<div className="bar">
					<Button
						icon="retry"
						kind={status === "Failed" ? "primary" : "default"}
						isBusy={retry.isPending}
						onClick={() => retry.mutate(null)}
					>
						{words.retry}
					</Button>
				</div>
			)}
			{retry.isError && <Problem error={retry.error} />}
			{retry.isSuccess && status === "Pending" && (
				<p className="flat text-good" role="status">
					✓ {words.retried}
				</p>
			)}
		</section>
	);
}

function OutcomeNote({ delivery: { status, lastAttempt } }: { readonly delivery: DeliveryDetail }) {
	const { texts, formats } = useReader();
	const { delivery: words } = texts;
	if (status === "Succeeded" && lastAttempt !== null) {
		const { responseCode, durationMs } = lastAttempt;
		return <Note tone="good" title={words.arrived(String(responseCode), formats.duration(durationMs))} />;
	}
	const cause = lastAttempt?.cause ?? null;
	if (cause !== null) {
		const [what, cure] = causeText(texts, cause);
		return (
			<Note tone={status === "Failed" ? "bad" : "warn"} title={what}>
				<p>
					<span className="strong">{words.whatToDo}</span> {cure}
				</p>
				{status === "Held" && <p>{words.held}</p>}
				{status === "Cancelled" && <p>{words.cancelled}</p>}
			</Note>
		);
	}
	const sentence = {
		Held: words.held,
		Cancelled: words.cancelled,
		Pending: words.pending,
		Failed: words.none,
		Succeeded: words.none,
	};
	return <Note tone="info" title={sentence[status]} />;
}

function Tries({ attempts }: { readonly attempts: readonly Attempt[] }) {
	const { delivery: words } = useTexts();
	if (attempts.length === 0) return null;
	return (
		<section className="stack tight">
			<h2>{words.tries}</h2>
			<ol className="card rows">
				{attempts.toReversed().map((attempt) => (
					<Try key={attempt.id} attempt={attempt} />
				))}
			</ol>
		</section>
	);
}

function Try({ attempt }: { readonly attempt: Attempt }) {
	const { texts, formats } = useReader();
	const { number, startDate, durationMs, responseCode, cause, response, endpoint } = attempt;
	const body = response?.body ?? "";
	return (
		<li className="row-block">
			<p className="flat bar">
				<span className={cause === null ? "text-good strong" : "text-bad strong"}>
					{responseCode === 0 ? texts.deliveries.noAnswer : responseCode}
				</span>
				<span>{texts.delivery.attempt(formats.number(number))}</span>
				<span className="dim">
					<When at={startDate} /> · {formats.duration(durationMs)}
				</span>
			</p>
			{cause !== null && <p className="flat dim">{causeText(texts, cause)[0]}</p>}
			{endpoint !== null && (
				<p className="flat dim small address" dir="ltr">
					{endpoint}
				</p>
			)}
			{body !== "" && (
				<details className="example">
					<summary>{texts.delivery.answer}</summary>
					<TextBlock text={body} label={texts.delivery.answer} />
				</details>
			)}
		</li>
	);
}

/** The content, exactly as it was sent. */
function Sent({ eventId }: { readonly eventId: string }) {
	const { delivery: words } = useTexts();
	const project = useProject();
	const { data, error } = useQuery({
		queryKey: ["project", project.id, "event-data", eventId],
		queryFn: ({ signal }) => project.events.getData(eventId, {}, { signal }),
		staleTime: 60_000,
	});
	const isErased = error instanceof ApiError && error.status === GONE;
	return (
		<section className="stack tight">
			<h2>{words.data}</h2>
			{data !== undefined ? (
				<JsonBlock text={data} label={words.data} />
			) : isErased ? (
				<p className="flat dim">{words.dataErased}</p>
			) : (
				<Loading error={error} rows={1} />
			)}
		</section>
	);
}
