// The secret of a webhook: its last characters, its change, and the code that uses it.
import { utils, type Webhook } from "@fanfare/sdk";
import { Button, SegmentedControl } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";

import { VerificationTabs } from "../../parts/code/verification-tabs.tsx";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { LeaveQuestion } from "../../parts/feedback/leave-question.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { closingAt, stageOfOnce, useStage, type Stage } from "../../parts/feedback/stage.ts";
import { Dialog } from "../../parts/layout/dialog.tsx";
import { duration } from "../../parts/text/format.ts";
import { Time, useNow } from "../../parts/text/time.tsx";
import { useMay } from "../../session/caller.ts";
import { SecretOnce } from "../webhooks/created-webhook.tsx";
import { useWebhookChange } from "../webhooks/queries.ts";
import { Checker } from "./checker/checker.tsx";

const OVERLAPS = [
	{ value: "0", label: "None" },
	{ value: "3600000", label: "1 hour" },
	{ value: "86400000", label: "1 day" },
	{ value: "604800000", label: "7 days" },
];

export function SecretTab({ webhook }: { readonly webhook: Webhook }) {
	const mayWrite = useMay("write");
	const [isOpen, dialog] = useDisclosure(false);
	const [stage, setStage] = useState<Stage>("asking");
	return (
		<div className="stack">
			<section className="card card-pad stack tight" aria-label="Secret">
				<div className="bar">
					<p className="flat grow">
						The secret ends in <span className="mono">{webhook.secretHint}</span>. Nobody can read it, also not here.
					</p>
					{mayWrite && (
						<Button variant="default" size="xs" onClick={dialog.open}>
							Replace the secret…
						</Button>
					)}
				</div>
				{webhook.secretOverlapUntil !== null && <Overlap until={webhook.secretOverlapUntil} />}
			</section>
			<Checker webhook={webhook} />
			<section className="card card-pad stack tight" aria-label="Verification">
				<h2 className="card-title">Verify what you receive</h2>
				<VerificationTabs />
			</section>
			<Dialog
				isOpen={isOpen}
				onClose={dialog.close}
				title="Replace the secret"
				width="38.75rem"
				top="5dvh"
				{...closingAt(stage)}
			>
				<Replace webhook={webhook} onStage={setStage} onClose={dialog.close} />
				{/* Stays while the form gives way to the secret, so that the question is not taken back unanswered. */}
				<LeaveQuestion stage={stage} thing="secret" />
			</Dialog>
		</div>
	);
}

/** How long the former secret still signs. */
function Overlap({ until }: { readonly until: number }) {
	const now = useNow(1_000);
	if (until <= now) return null;
	return (
		<p className="flat note info">
			<span>
				The former secret signs too, for {duration(until - now)} more (until <Time at={until} form="day" />
				). Switch the receiver before that.
			</span>
		</p>
	);
}

interface ReplaceProps {
	readonly webhook: Webhook;
	readonly onStage: (stage: Stage) => void;
	readonly onClose: () => void;
}

function Replace({ webhook: { id, name }, onStage, onClose }: ReplaceProps) {
	const make = useWatchedCall();
	const [secret] = useState(() => utils.generateWebhookSecret());
	const [overlap, setOverlap] = useState("86400000");
	const replace = useWebhookChange(({ batch }, overlapMs: number) =>
		batch.webhooks.updateSecret(id, secret, { overlapMs }),
	);
	const stage = stageOfOnce(replace);
	useStage(stage, onStage);
	// Putting the same secret again changes nothing, so it is safe to try again as long as this is open.
	const start = () =>
		make(`The secret of ${name} was not replaced`, () => replace.mutateAsync(Number(overlap)), {
			doubt: {
				what: `It is not known whether the secret of ${name} was replaced`,
				advice: "If it was, nobody has seen the new one: replace it again while the former one still signs.",
			},
			unseen: () => ({
				what: `Nobody has seen the new secret of ${name}`,
				advice: "It was replaced when you had left: replace it again while the former one still signs.",
			}),
		});
	if (replace.isSuccess) {
		return (
			<div className="stack">
				<SecretOnce secret={secret} />
				<div className="bar">
					<Button onClick={onClose}>Done</Button>
				</div>
			</div>
		);
	}
	return (
		<div className="stack">
			<p className="flat">
				A new secret is made in your browser and shown once. Meanwhile the former one can go on signing, so that the
				receiver has time to switch: each request then carries both signatures.
			</p>
			<div className="stack tight">
				<span id="overlap-label">Both sign for</span>
				<SegmentedControl aria-labelledby="overlap-label" data={OVERLAPS} value={overlap} onChange={setOverlap} />
			</div>
			{replace.isError && <Problem error={replace.error} what="The secret was not replaced" />}
			<div className="bar">
				<Button loading={replace.isPending} onClick={start}>
					Replace the secret
				</Button>
				<Button variant="default" disabled={replace.isPending} onClick={onClose}>
					Close
				</Button>
			</div>
		</div>
	);
}
