// How each state of a delivery looks: a colour and a glyph.
import type { DeliveryStatus } from "@fanfare/sdk";

export type Tone = "good" | "bad" | "warn" | "info" | "calm";

/** How each state of a delivery looks. */
export const DELIVERY_STATES: Readonly<Record<DeliveryStatus, readonly [tone: Tone, glyph: string]>> = {
	Succeeded: ["good", "✓"],
	Pending: ["info", "◷"],
	Held: ["warn", "‖"],
	Failed: ["bad", "✗"],
	Cancelled: ["calm", "⊘"],
};
