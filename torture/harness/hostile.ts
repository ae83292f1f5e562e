// Faults that consist of a misbehaving receiver: one more webhook, which must not affect any other webhook.
import type { Fault } from "../fault.ts";
import type { Round } from "../round.ts";
import type { WebhookKind } from "./webhook-kinds.ts";

/** Healthy webhooks must get their events this soon: long enough for a busy machine, far below a hanging receiver's timeout. */
export const PROMPT_MS = 4_000;
/** The number of events that are acknowledged beside it. */
const LOAD = 120;

export type HostileKind = Omit<WebhookKind, "name" | "spec"> & { readonly spec?: WebhookKind["spec"] };

/** Few attempts, with a short delay between them. */
export const FEW = { maxRetries: 1, maxRetryDelay: 30 };

/** A fault that is a webhook: it gets `hostile.*` events, while all other webhooks get theirs. */
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

/** Adds the webhook. It has a receiver of its own, so that no other webhook shares its connections. */
export async function addHostile(round: Round, { spec, ...kind }: HostileKind): Promise<void> {
	const settings = { retries: FEW, timeoutMs: 1_000, eventTypes: ["hostile.*"], ...spec };
	const endpoint = kind.endpoint ?? `${(await round.addReceiver()).url}/hostile`;
	await round.addWebhook({ name: "hostile", spec: settings, ...kind, endpoint });
}
