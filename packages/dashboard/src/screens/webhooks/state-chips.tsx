// The chips that filter webhooks by their state, each with how many webhooks have it.
import type { Webhook } from "@fanfare/sdk";
import { Button } from "@mantine/core";

import type { WebhookState } from "../../app/search.ts";
import { webhookState } from "../../parts/text/state.tsx";
import { knownCount } from "./found.ts";

interface Chip {
	readonly state: WebhookState;
	/** The word of the badge of those that it filters. */
	readonly badge: string;
	readonly words: string;
	readonly title?: string;
}

const CHIPS: readonly Chip[] = [
	{
		state: "failing",
		badge: "Failing",
		// Beside it, there may be webhooks that have just begun to fail.
		words: "Failing steadily",
		title:
			"Five attempts or more have failed in a row, and none has succeeded for 5 minutes, or for half of the time after which it is disabled if that is below 10 minutes",
	},
	{ state: "paused", badge: "Paused", words: "Paused" },
	{ state: "disabled", badge: "Disabled", words: "Disabled" },
];

interface StateChipsProps {
	readonly webhooks: readonly Webhook[];
	/** Whether those are all webhooks with this state. */
	readonly isWhole: (state: WebhookState) => boolean;
	readonly state: WebhookState | undefined;
	readonly onState: (state: WebhookState | undefined) => void;
}

export function StateChips({ webhooks, isWhole, state, onState }: StateChipsProps) {
	return CHIPS.map(({ state: chip, words, title }) => (
		<Button
			key={chip}
			size="xs"
			variant={state === chip ? "filled" : "default"}
			aria-pressed={state === chip}
			title={title}
			onClick={() => onState(state === chip ? undefined : chip)}
		>
			{words} {knownCount(webhooks.filter((webhook) => stateOf(webhook) === chip).length, isWhole(chip))}
		</Button>
	));
}

/** The chip under which a webhook is found. */
export function stateOf(webhook: Webhook): WebhookState | undefined {
	const [, , word] = webhookState(webhook);
	return CHIPS.find(({ badge }) => badge === word)?.state;
}
