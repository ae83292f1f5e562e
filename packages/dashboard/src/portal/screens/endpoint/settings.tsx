// The settings of an endpoint: address, name and events, its secret, and its end.
import { utils, type Webhook } from "@fanfare/sdk";
import { useState } from "react";

import { Ask } from "../../parts/form/ask.tsx";
import { Button } from "../../parts/form/button.tsx";
import { LeaveQuestion } from "../../parts/leave-question.tsx";
import { Note } from "../../parts/note.tsx";
import { Problem } from "../../parts/problem.tsx";
import { SecretOnce, Verification } from "../../parts/secret.tsx";
import { useGo } from "../../parts/to.tsx";
import { useChange } from "../../session/queries.ts";
import { useMay } from "../../session/use-session.ts";
import { useReader, useTexts } from "../../texts/reader.tsx";
import { SettingsForm } from "./settings-form.tsx";

export function Settings({ endpoint }: { readonly endpoint: Webhook }) {
	const mayWrite = useMay("webhooks.write");
	return (
		<div className="stack">
			{mayWrite && <SettingsForm endpoint={endpoint} />}
			<Secret endpoint={endpoint} />
			{mayWrite && <Remove endpoint={endpoint} />}
		</div>
	);
}

function Secret({ endpoint }: { readonly endpoint: Webhook }) {
	const { texts, formats } = useReader();
	const { secret: words } = texts;
	const mayRotate = useMay("secrets.rotate");
	const [isAsking, setAsking] = useState(false);
	const [made, setMade] = useState<string | null>(null);
	const rotate = useChange(
		async ({ batch: { webhooks } }, secret: string) => webhooks.updateSecret(endpoint.id, secret),
		(_, secret) => {
			setMade(secret);
			setAsking(false);
		},
	);
	return (
		// The new secret is a region of that name itself.
		<section className="card pad stack" aria-label={made === null ? words.title : undefined}>
			{made === null ? (
				<div className="stack tight">
					<h2>{words.title}</h2>
					<p className="flat">{words.hint(endpoint.secretHint)}</p>
				</div>
			) : (
				<>
					<SecretOnce secret={made} />
					<div className="bar">
						<Button kind="primary" onClick={() => setMade(null)}>
							{texts.add.finish}
						</Button>
					</div>
				</>
			)}
			<LeaveQuestion stage={rotate.isPending ? "working" : made === null ? "asking" : "once"} />
			{endpoint.secretOverlapUntil !== null && (
				<p className="flat dim">{words.overlap(formats.date(endpoint.secretOverlapUntil))}</p>
			)}
			{mayRotate &&
				(isAsking ? (
					<Ask
						action={words.rotateNow}
						isBusy={rotate.isPending}
						onAgree={() => rotate.mutate(utils.generateWebhookSecret())}
						onCancel={() => setAsking(false)}
					>
						{words.rotateText}
					</Ask>
				) : (
					<div className="bar">
						<Button icon="key" onClick={() => setAsking(true)}>
							{words.rotate}
						</Button>
					</div>
				))}
			{rotate.isError && <Problem error={rotate.error} />}
			<details className="example">
				<summary>{words.verify}</summary>
				<Verification />
			</details>
		</section>
	);
}

function Remove({ endpoint }: { readonly endpoint: Webhook }) {
	const { endpoint: words } = useTexts();
	const go = useGo();
	const [isAsking, setAsking] = useState(false);
	const remove = useChange(
		({ batch: { webhooks } }) => webhooks.delete(endpoint.id),
		() => go({ to: "/" }),
	);
	return (
		<section className="card pad stack">
			{isAsking ? (
				<Ask
					action={words.removeNow}
					kind="danger"
					isBusy={remove.isPending}
					onAgree={() => remove.mutate(null)}
					onCancel={() => setAsking(false)}
				>
					<Note tone="warn" title={words.remove}>
						<p>{words.removeText}</p>
					</Note>
				</Ask>
			) : (
				<div className="bar">
					<Button kind="danger" onClick={() => setAsking(true)}>
						{words.remove}
					</Button>
				</div>
			)}
			{remove.isError && <Problem error={remove.error} />}
		</section>
	);
}
