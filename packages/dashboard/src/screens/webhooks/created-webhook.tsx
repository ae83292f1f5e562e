// After a webhook was added: its secret, shown this once, a test, and the code that verifies what it gets.
import type { Webhook } from "@fanfare/sdk";
import { Button } from "@mantine/core";

import { VerificationTabs } from "../../parts/code/verification-tabs.tsx";
import { CopyButton } from "../../parts/text/copy.tsx";
import { WebhookTester } from "./tester/webhook-tester.tsx";

interface NewWebhookProps {
	readonly webhook: Pick<Webhook, "id" | "name">;
	readonly secret: string;
	readonly onClose: () => void;
}

export function NewWebhook({ webhook, secret, onClose }: NewWebhookProps) {
	return (
		<div className="stack">
			<p className="note good">
				<span>
					<strong>{webhook.name}</strong> is added. It gets every matching event from now on.
				</span>
			</p>
			<SecretOnce secret={secret} />
			<section className="stack tight" aria-label="Test">
				<h2 className="card-title">Does it work?</h2>
				<WebhookTester webhookId={webhook.id} isStartedAtOnce />
			</section>
			<section className="stack tight" aria-label="Verification">
				<h2 className="card-title">Verify what you receive</h2>
				<VerificationTabs />
			</section>
			<div className="bar">
				<Button onClick={onClose}>Done</Button>
			</div>
		</div>
	);
}

/** A secret that nobody can read later. */
export function SecretOnce({ secret }: { readonly secret: string }) {
	return (
		<section className="stack tight" aria-label="Secret">
			<h2 className="card-title">Signing secret</h2>
			<div className="secret">
				<code className="mono">{secret}</code>
				<CopyButton text={secret} label="Copy the secret" />
			</div>
			<p className="dim flat">
				Made in your browser. Put it into the receiver's settings now: the server never shows it again.
			</p>
		</section>
	);
}
