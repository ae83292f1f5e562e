// What a check has found, each thing in a sentence with its cure.
import type { DiagnosisProblem, Webhook } from "@fanfare/sdk";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { Icon } from "../../../parts/layout/icon.tsx";
import { Time } from "../../../parts/text/time.tsx";
import { useProject } from "../../../session/caller.ts";
import type { Logged, Verdict } from "./check.ts";

interface VerdictViewProps {
	readonly verdict: Verdict & {
		/** Whether it was said when the request was received. */
		readonly isTimeKnown: boolean;
		/** The last characters of the secret that was typed. */
		readonly secretEnd: string;
	};
	readonly webhook: Webhook;
}

const TITLES: Readonly<Record<DiagnosisProblem["code"], string>> = {
	missing_header: "A header is missing.",
	repeated_header: "A header came more than once.",
	bad_timestamp: "The time is no time.",
	too_old: "It is too old.",
	too_new: "It is from the future.",
	bad_signature_form: "The signature has the wrong form.",
	body_changed: "The body was changed on its way.",
	id_changed: "The id was changed on its way.",
	timestamp_changed: "The time was changed on its way.",
	secret_not_decoded: "The secret was not decoded.",
	no_matching_signature: "No signature fits this secret.",
	invalid_body: "The body is no JSON object.",
};

export function VerdictView({ verdict, webhook }: VerdictViewProps) {
	const { problems, logged, isSignatureChecked, isTimeKnown, secretEnd, timestamp } = verdict;
	const isOldOnlyNow = (code: string) => code === "too_old" && !isTimeKnown;
	const isFormerSecret = isSignatureChecked && secretEnd !== webhook.secretHint;
	// Another secret is the reason why no signature fits, and has a finding of its own.
	const isExplained = (code: string) => code === "no_matching_signature" && isFormerSecret;
	const wrong = problems.filter(({ code }) => !isOldOnlyNow(code));
	return (
		<div role="status" className="stack tight" aria-label="What was found">
			{wrong
				.filter(({ code }) => !isExplained(code))
				.map(({ code, message }) => (
					<Finding key={`${code} ${message}`} tone="bad" title={TITLES[code]}>
						{message}
					</Finding>
				))}
			{wrong.length === 0 && isSignatureChecked && (
				<Finding tone="good" title="Nothing is wrong with it.">
					The signature fits the secret and every byte of the body.
				</Finding>
			)}
			{wrong.length === 0 && !isSignatureChecked && (
				<Finding tone="info" title="Nothing wrong was found without a secret.">
					Type the secret that the receiver has to check the signature, too.
				</Finding>
			)}
			{isSignatureChecked && <SecretFinding verdict={verdict} webhook={webhook} isFormer={isFormerSecret} />}
			{problems.some(({ code }) => isOldOnlyNow(code)) && (
				<Finding tone="info" title="It would be too old now.">
					It was signed at <Time at={Number(timestamp) * 1_000} form="exact" />, and receivers take requests of the last
					five minutes. If the receiver said so when it came, the receiver's clock is wrong: say above when it was
					received.
				</Finding>
			)}
			<LogFinding logged={logged} id={verdict.id} isBodyBlamed={wrong.some(({ code }) => code === "body_changed")} />
		</div>
	);
}

/** Which of the webhook's secrets it is. */
function SecretFinding({ verdict, webhook, isFormer }: VerdictViewProps & { readonly isFormer: boolean }) {
	const { secretHint, secretOverlapUntil } = webhook;
	const current = <span className="mono">…{secretHint}</span>;
	if (!isFormer) {
		if (verdict.secretHint === null) return null;
		return (
			<Finding tone="good" title="It was signed with the current secret.">
				{current} is the secret of this webhook.
			</Finding>
		);
	}
	if (verdict.secretHint === null) {
		return (
			<Finding tone="bad" title="The receiver has another secret.">
				The secret that you typed ends in <span className="mono">…{verdict.secretEnd}</span>, that of this webhook in{" "}
				{current}.
			</Finding>
		);
	}
	return (
		<Finding tone="warn" title="It was signed with a former secret.">
			The receiver's secret ends in <span className="mono">…{verdict.secretHint}</span>, the current one in {current}.{" "}
			{secretOverlapUntil === null ? (
				"It signs nothing any more: give the receiver the current one."
			) : (
				<>
					It signs until <Time at={secretOverlapUntil} form="day" />: give the receiver the current one before that.
				</>
			)}
		</Finding>
	);
}

interface LogFindingProps {
	readonly logged: Logged;
	readonly id: string | null;
	readonly isBodyBlamed: boolean;
}

/** What the log says. That the body differs is among the problems already. */
function LogFinding({ logged, id, isBodyBlamed }: LogFindingProps) {
	const project = useProject();
	const event = (text: string) => (
		<Link to="/$projectId/events/$eventId" params={{ projectId: project.id, eventId: id ?? "" }}>
			{text}
		</Link>
	);
	switch (logged) {
		case "same":
			return (
				<Finding tone="good" title="The body is as it was sent.">
					Every byte is that of {event("the event in the log")}.
				</Finding>
			);
		case "other":
			return isBodyBlamed ? (
				<Finding tone="info" title="What was sent:">
					{event("the event in the log")}.
				</Finding>
			) : null;
		case "unknown":
			return (
				<Finding tone="warn" title="The log has no event with this id.">
					The request is a test, or older than the log, or not of this project.
				</Finding>
			);
		case "erased":
			return (
				<Finding tone="info" title="The payload of this event was erased.">
					So the body could not be compared with what was sent.
				</Finding>
			);
		case "failed":
			return (
				<Finding tone="warn" title="The log could not be read.">
					So the body was not compared with what was sent. Check again to try anew.
				</Finding>
			);
		case "no_id":
			return null;
	}
}

interface FindingProps {
	readonly tone: "good" | "bad" | "warn" | "info";
	readonly title: string;
	readonly children: ReactNode;
}

const ICONS = { good: "check", bad: "cross", warn: "alert", info: "help" } as const;

function Finding({ tone, title, children }: FindingProps) {
	return (
		<div className={`note ${tone}`}>
			<Icon name={ICONS[tone]} />
			<p>
				<strong>{title}</strong> {children}
			</p>
		</div>
	);
}
