// How an endpoint is, in a sentence, and what to do: test it, resume it, retry what has failed, send again what was missed.
import type { Webhook } from "@fanfare/sdk";
import { useState } from "react";

import { Button } from "../../parts/form/button.tsx";
import { Note } from "../../parts/note.tsx";
import { Problem } from "../../parts/problem.tsx";
import { endpointState } from "../../parts/state.tsx";
import { Tester } from "../../parts/tester.tsx";
import { useChange } from "../../session/queries.ts";
import { useMay } from "../../session/use-session.ts";
import { causeText } from "../../texts/causes.ts";
import { useReader } from "../../texts/reader.tsx";
import { RetryAll } from "../deliveries/retry-all.tsx";
import { Replay } from "./replay.tsx";

export function Condition({ endpoint }: { readonly endpoint: Webhook }) {
	const { texts } = useReader();
	const may = { write: useMay("webhooks.write"), retry: useMay("deliveries.retry"), replay: useMay("replay") };
	const isOn = endpoint.status === "Enabled";
	const toggle = useChange(({ batch: { webhooks } }) =>
		isOn ? webhooks.pause(endpoint.id) : webhooks.resume(endpoint.id),
	);
	const [isReplaying, setReplaying] = useState(false);
	return (
		<section className="card pad stack">
			<Sentence endpoint={endpoint} />
			{(may.write || may.retry || may.replay) && (
				<div className="actions">
					{may.write && <Tester webhookId={endpoint.id} />}
					{may.write && (
						<Button
							kind={isOn ? "default" : "primary"}
							icon={isOn ? "pause" : "play"}
							isBusy={toggle.isPending}
							onClick={() => toggle.mutate(null)}
						>
							{isOn ? texts.endpoint.pause : texts.endpoint.resume}
						</Button>
					)}
					{may.retry && (
						<RetryAll choice={{ webhookId: endpoint.id, shown: "failed", type: undefined, since: undefined }} />
					)}
					{may.replay && (
						<Button icon="clock" isExpanded={isReplaying} onClick={() => setReplaying(!isReplaying)}>
							{texts.replay.title}
						</Button>
					)}
				</div>
			)}
			{toggle.isError && <Problem error={toggle.error} />}
			{isReplaying && <Replay webhookId={endpoint.id} onClose={() => setReplaying(false)} />}
		</section>
	);
}

function Sentence({ endpoint }: { readonly endpoint: Webhook }) {
	const { texts, formats } = useReader();
	const mayWrite = useMay("webhooks.write");
	const { endpoint: words } = texts;
	const { health, lastAttempt, deliveries } = endpoint;
	const state = endpointState(endpoint);
	const held = deliveries.Held > 0 && ` ${words.held(deliveries.Held, formats.number(deliveries.Held))}`;
	const cause = lastAttempt?.cause ?? null;
	const [what, cure] = cause === null ? [null, null] : causeText(texts, cause);
	switch (state) {
		case "working":
			return <Note tone="good" title={words.working} />;
		case "unused":
			return <Note tone="info" title={words.unused} />;
		case "paused":
			return (
				<Note tone="warn" title={texts.list.paused(endpoint.name)}>
					<p>
						{words.pausedText}
						{held}
					</p>
				</Note>
			);
		case "failing":
			return (
				<Note tone="bad" title={words.failing(formats.date(health.failingSince ?? 0))}>
					{what !== null && (
						<p>
							{what} {cure}
						</p>
					)}
					{health.disableDate !== null && <p>{words.disables(formats.date(health.disableDate))}</p>}
				</Note>
			);
		case "disabled":
			return (
				<Note tone="bad" title={texts.list.disabled(endpoint.name)}>
					<p>
						{cause === "status_410" ? words.goneText : words.disabledText}
						{held}
					</p>
					{health.failingSince !== null && <p>{words.failing(formats.date(health.failingSince))}</p>}
					{what !== null && cause !== "status_410" && (
						<p>
							{what} {cure}
						</p>
					)}
					<p className="strong">{mayWrite ? words.fixFirst : words.fixOnly}</p>
				</Note>
			);
	}
}
