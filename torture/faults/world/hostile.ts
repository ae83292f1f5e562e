// Receivers that misbehave: each is one more webhook, beside which all others go on as if it were not there.
import type { Fault } from "../../fault.ts";
import type { WebhookKind } from "../../harness/webhook-kinds.ts";
import type { Round } from "../../round.ts";

/** Generous on a busy machine, far below what a receiver that hangs takes. */
export const PROMPT_MS = 4_000;
/** Load beside it. */
const LOAD = 120;

export type HostileKind = Omit<WebhookKind, "name" | "spec"> & { readonly spec?: WebhookKind["spec"] };

/** Few attempts, soon one after the other. */
export const FEW = { maxRetries: 1, maxRetryDelay: 30 };

/** A fault that is a webhook: `hostile.*` events go to it, while all others go on. */
export function hostileFault(
	name: string,
	summary: string,
	kind: (round: Round) => HostileKind | Promise<HostileKind>,
	more: Partial<Fault> = {},
): Fault {
	return {
		name,
		summary,
		weight: 1,
		setUp: async (round) => {
			round.promptWithinMs = PROMPT_MS;
			await addHostile(round, await kind(round));
		},
		strike: (round) => round.load(LOAD),
		...more,
	};
}

/** It has a receiver of its own, so that no other webhook shares its connections. */
export async function addHostile(round: Round, { spec, ...kind }: HostileKind): Promise<void> {
	const settings = { retries: FEW, timeoutMs: 1_000, eventTypes: ["hostile.*"], ...spec };
	const endpoint = kind.endpoint ?? `${(await round.addReceiver()).url}/hostile`;
	await round.addWebhook({ name: "hostile", spec: settings, ...kind, endpoint });
}
