// Who gets an event that is about to be sent.
import { BadRequestError, type Routing } from "@fanfare/sdk";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { sentenceOf } from "../../parts/feedback/problem.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { addressOf, counted } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { reasonWords } from "../events/routing-words.ts";
import { useWebhookNames } from "../webhooks/names.ts";
import type { Draft } from "./draft.ts";
import { matchQuery, SHOWN, type Match } from "./match-query.ts";

/** So that the server is not asked for every letter. */
const PAUSE_MS = 250;

interface WhoGetsItProps {
	readonly draft: Draft;
	readonly isInternal: boolean;
}

export function WhoGetsIt({ draft: { type, audience, customerIds, webhookIds }, isInternal }: WhoGetsItProps) {
	const [asked] = useDebouncedValue(type.trim(), PAUSE_MS);
	const project = useProject();
	const { data, error } = useQuery(matchQuery(project, { type: asked, audience, customerIds, webhookIds }));
	const isAsked = type.trim() === asked;
	const match = isAsked && error === null ? data : undefined;
	const shown = [...(match?.unreachable ?? []), ...(match?.recipients.slice(0, SHOWN) ?? [])];
	const webhooks = useWebhookNames(shown.map(({ webhookId }) => webhookId));
	const addresses = new Map(webhooks.map(({ id, endpoint }) => [id, addressOf(endpoint)]));
	return (
		<aside className="card card-pad stack" aria-label="Who gets it">
			<h2 className="card-title">Who gets it</h2>
			<div aria-live="polite">
				{type.trim() === "" ? "Choose an event type to see it." : summaryOf(match, isAsked ? error : null)}
			</div>
			<ul className="plain-list">
				{shown.map((routing) => (
					<li key={routing.webhookId}>
						<Recipient routing={routing} address={addresses.get(routing.webhookId)} />
					</li>
				))}
			</ul>
			{match !== undefined && match.count > SHOWN && (
				<p className="dim flat">and {counted(match.count - Math.min(SHOWN, match.recipients.length), "other")}</p>
			)}
			{isInternal && <p className="dim flat">The type is internal: customers never get it.</p>}
			{match !== undefined && webhookIds.length === 0 && (
				<p className="dim flat">
					Webhooks of customers get only events that name their customer. All others get what their event types say.
				</p>
			)}
		</aside>
	);
}

function summaryOf(match: Match | undefined, error: unknown): string {
	if (error instanceof BadRequestError) return error.issues.map(({ path, message }) => `${path} ${message}`).join("; ");
	if (error !== null) return `It could not be asked: ${sentenceOf(error)}`;
	if (match === undefined) return "Looking…";
	const { count, recipients, unreachable } = match;
	if (unreachable.length > 0) {
		return `It is refused as it is: ${counted(unreachable.length, "webhook")} that it names can't get it.`;
	}
	if (count === 0) return "No webhook. The event is kept in the log, and a replay can send it later.";
	const held = recipients.filter(({ status }) => status !== "Enabled").length;
	const least = recipients.length < count ? "at least " : "";
	return `${counted(count, "webhook")}${held === 0 ? "" : `, ${least}${held} of them off: theirs are held`}`;
}

function Recipient({ routing, address }: { readonly routing: Routing; readonly address: string | undefined }) {
	const { id: projectId } = useProject();
	const { webhookId, webhookName, customerId, status, reason } = routing;
	const isUnreachable = reason === "other_customer" || reason === "internal_type";
	const isOn = status === "Enabled";
	const tone = isUnreachable ? "text-bad" : isOn ? "text-good" : "text-warn";
	return (
		<div className="recipient">
			<span className={tone}>
				<Icon name={isUnreachable ? "cross" : isOn ? "check" : "pause"} size={16} />
			</span>
			<div>
				<div className="cut">
					<Link className="link" to="/$projectId/webhooks/$webhookId" params={{ projectId, webhookId }} search={{}}>
						{webhookName}
					</Link>{" "}
					{customerId !== undefined && <span className="dim">of {customerId}</span>}{" "}
					{!isOn && <span className="text-warn">{status.toLowerCase()}</span>}
				</div>
				{address !== undefined && <div className="cut dim mono">{address}</div>}
				{isUnreachable && <div className="dim">{reasonWords(routing)}</div>}
			</div>
		</div>
	);
}
