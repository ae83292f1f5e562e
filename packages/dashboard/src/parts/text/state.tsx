// States of deliveries and webhooks: a glyph, a word and a colour.
import type { DeliveryStatus, Webhook } from "@fanfare/sdk";

import { DELIVERY_STATES, type Tone } from "./delivery-states.ts";

export function DeliveryState({ status }: { readonly status: DeliveryStatus }) {
	const [tone, glyph] = DELIVERY_STATES[status];
	return <State tone={tone} glyph={glyph} word={status} />;
}

/**
 * What a person should know of a webhook first: whether it is off, and otherwise whether it works. One whose deliveries end without success
 * has not failed for long enough to be Failing yet, and is not shown as if all were well.
 */
export function webhookState({ status, health }: Pick<Webhook, "status" | "health">): readonly [Tone, string, string] {
	if (status === "Disabled") return ["bad", "⊘", "Disabled"];
	if (status === "Paused") return ["warn", "‖", "Paused"];
	if (health.state === "Failing" || health.state === "Disabling") return ["bad", "✗", "Failing"];
	return health.exhaustedCount > 0 ? ["warn", "!", "Enabled"] : ["good", "✓", "Enabled"];
}

export function WebhookStateBadge({ webhook }: { readonly webhook: Pick<Webhook, "status" | "health"> }) {
	const [tone, glyph, word] = webhookState(webhook);
	return <State tone={tone} glyph={glyph} word={word} />;
}

/** A glyph and a word in the colour of a tone. */
export function State({ tone, glyph, word }: { readonly tone: Tone; readonly glyph: string; readonly word: string }) {
	return (
		<span className={`state ${tone}`}>
			<span aria-hidden>{glyph}</span>
			{word}
		</span>
	);
}

/** The answer of a receiver: `200`, or `no response` with the reason on hover. */
export function AnswerCode({ code, reason }: { readonly code: number | null; readonly reason?: string | null }) {
	if (code === null) return <span className="dim">not tried</span>;
	const isGood = code >= 200 && code < 300;
	return (
		<span className={`num ${isGood ? "text-good" : "text-bad"}`} title={reason ?? undefined}>
			{code === 0 ? "no response" : code}
		</span>
	);
}
