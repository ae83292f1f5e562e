// The states of endpoints and deliveries: a glyph, a word and a colour.
import type { DeliveryStatus, Webhook } from "@fanfare/sdk";

import { DELIVERY_STATES } from "../../parts/text/delivery-states.ts";
import { useTexts } from "../texts/reader.tsx";

export type EndpointState = "working" | "unused" | "failing" | "paused" | "disabled";

const ENDPOINT_STATES = {
	working: ["good", "✓"],
	unused: ["calm", "·"],
	failing: ["bad", "✗"],
	paused: ["warn", "‖"],
	disabled: ["bad", "⊘"],
} as const satisfies Record<EndpointState, readonly [tone: string, glyph: string]>;

/** What the customer should know of an endpoint first. */
export function endpointState({
	status,
	health,
	lastAttempt,
}: Pick<Webhook, "status" | "health" | "lastAttempt">): EndpointState {
	if (status === "Disabled") return "disabled";
	if (status === "Paused") return "paused";
	if (health.failingSince !== null) return "failing";
	return lastAttempt === null ? "unused" : "working";
}

export function EndpointBadge({ endpoint }: { readonly endpoint: Pick<Webhook, "status" | "health" | "lastAttempt"> }) {
	const { states } = useTexts();
	const state = endpointState(endpoint);
	const [tone, glyph] = ENDPOINT_STATES[state];
	return <Badge tone={tone} glyph={glyph} word={states[state]} />;
}

export function DeliveryBadge({ status }: { readonly status: DeliveryStatus }) {
	const { states } = useTexts();
	const [tone, glyph] = DELIVERY_STATES[status];
	return <Badge tone={tone} glyph={glyph} word={states[status]} />;
}

function Badge({ tone, glyph, word }: { readonly tone: string; readonly glyph: string; readonly word: string }) {
	return (
		<span className={`badge ${tone}`}>
			<span aria-hidden>{glyph}</span>
			{word}
		</span>
	);
}
