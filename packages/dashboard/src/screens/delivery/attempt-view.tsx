// One attempt: why it failed and what to do, its request, and its answer.
import type { Attempt, Delivery, DeliveryCount } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { DeliveriesSearch } from "../../app/search.ts";
import { HeaderList } from "../../parts/code/header-list.tsx";
import { Payload } from "../../parts/code/payload.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { count, duration } from "../../parts/text/format.ts";
import { AnswerCode } from "../../parts/text/state.tsx";
import { Time } from "../../parts/text/time.tsx";
import { useProject } from "../../session/caller.ts";
import { countQuery } from "../deliveries/queries.ts";
import { diagnose } from "./diagnosis.ts";
import { Phases } from "./phases.tsx";
import { bodyQuery } from "./queries.ts";

interface AttemptViewProps {
	readonly attempt: Attempt;
	readonly delivery: Delivery;
	readonly timeoutMs: number | null;
}

export function AttemptView({ attempt, delivery, timeoutMs }: AttemptViewProps) {
	return (
		<div className="stack">
			<DiagnosisCard attempt={attempt} delivery={delivery} timeoutMs={timeoutMs} />
			<RequestCard attempt={attempt} eventId={delivery.eventId} />
			<AnswerCard attempt={attempt} />
		</div>
	);
}

function DiagnosisCard({ attempt, delivery, timeoutMs }: AttemptViewProps) {
	const diagnosis = diagnose(attempt, timeoutMs);
	if (diagnosis === null) return null;
	const isBad = attempt.responseCode < 200 || attempt.responseCode >= 300;
	return (
		<section className={`note ${isBad ? "bad" : "warn"}`} aria-label="Diagnosis">
			<Icon name="alert" />
			<div>
				<p>
					<strong>{diagnosis.title}.</strong> {diagnosis.likely}
				</p>
				<p>
					{diagnosis.cure}
					{isBad && delivery.status === "Failed" && " Its retries are used up: retry it when the receiver works again."}
				</p>
				{attempt.reason !== null && <p className="mono">{attempt.reason}</p>}
				{isBad && (
					<p>
						<Kin attempt={attempt} delivery={delivery} />
					</p>
				)}
			</div>
		</section>
	);
}

/** How many others have failed for the same cause: at this webhook, and at all. */
function Kin({ attempt, delivery }: Pick<AttemptViewProps, "attempt" | "delivery">) {
	const project = useProject();
	const same = attempt.cause === null ? { code: String(attempt.responseCode) } : { cause: attempt.cause };
	const here = { status: "Failed", webhook: delivery.webhookId, ...same };
	const anywhere = { status: "Failed", ...same };
	const { data: ofWebhook, isError: isUnknown } = useQuery(countQuery(project, here));
	const { data: ofAll, isError: isAllUnknown } = useQuery(countQuery(project, anywhere));
	if (isUnknown || isAllUnknown) {
		return (
			<Link to="/$projectId/deliveries" params={{ projectId: delivery.projectId }} search={here}>
				Others that failed for the same cause ›
			</Link>
		);
	}
	if (ofWebhook === undefined || ofAll === undefined)
		return <span className="dim">Counting others with the same cause…</span>;
	const isOne = delivery.status === "Failed" && delivery.attemptCount === attempt.number;
	const others = (counted: DeliveryCount) => ({ ...counted, count: counted.count - (isOne ? 1 : 0) });
	const link = (search: DeliveriesSearch, { count: value, complete }: DeliveryCount, where: string) => (
		<Link to="/$projectId/deliveries" params={{ projectId: delivery.projectId }} search={search}>
			{complete ? "" : "more than "}
			{count(value)} {where} ›
		</Link>
	);
	const [ofWebhookOthers, ofAllOthers] = [others(ofWebhook), others(ofAll)];
	if (ofAllOthers.count <= 0 && ofAllOthers.complete) return <>No other delivery has failed for the same cause.</>;
	return (
		<>
			Others that failed for the same cause: {link(here, ofWebhookOthers, "to this webhook")}
			{ofAllOthers.count > ofWebhookOthers.count && <>, {link(anywhere, ofAllOthers, "in the project")}</>}
		</>
	);
}

function RequestCard({ attempt, eventId }: { readonly attempt: Attempt; readonly eventId: string }) {
	const { data: body, error, refetch } = useQuery(bodyQuery(useProject(), eventId));
	return (
		<section className="card card-pad stack" aria-label="Request">
			<div className="head">
				<h2 className="card-title">Request</h2>
				<span className="mono address">POST {attempt.endpoint ?? "(the address is not known any more)"}</span>
			</div>
			<HeaderList of="the request" headers={attempt.request.headers} />
			{body !== undefined && <Payload text={body} label="Request body" />}
			{error !== null && <Problem error={error} what="The body cannot be shown" onRetry={refetch} />}
		</section>
	);
}

function AnswerCard({ attempt }: { readonly attempt: Attempt }) {
	const { response, responseCode, reason, durationMs, remoteAddress, certificateExpireDate } = attempt;
	return (
		<section className="card card-pad stack" aria-label="Response">
			<div className="head">
				<h2 className="card-title">Response</h2>
				<AnswerCode code={responseCode} reason={reason} />
				<span className="dim">after {duration(durationMs)}</span>
				{remoteAddress !== null && <span className="dim mono">from {remoteAddress}</span>}
			</div>
			<Phases attempt={attempt} />
			{certificateExpireDate !== null && (
				<p className="flat dim">
					The receiver's certificate is valid until <Time at={certificateExpireDate} form="exact" />.
				</p>
			)}
			{response === null ? (
				<p className="flat dim">No response came.</p>
			) : (
				<>
					<HeaderList of="the response" headers={response.headers} />
					<Payload
						text={response.body}
						label="Response body"
						{...(response.bodyTruncated && { note: "Only the first 4 KiB are kept." })}
					/>
				</>
			)}
		</section>
	);
}
