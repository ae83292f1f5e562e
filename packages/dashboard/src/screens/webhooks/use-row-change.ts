// Pausing and resuming from the menu of a row. The row may be gone when it fails, for example by a filter; the screen may be, too.
import type { Webhook } from "@fanfare/sdk";
import { useState } from "react";

import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { usePauseOrResume } from "./queries.ts";

export interface RowChange {
	/** Of the last change that failed; null if another one was begun since, or somebody has read it. */
	readonly error: Error | null;
	/** What has failed, with the name of the webhook. */
	readonly what: string;
	/** The webhooks that are being changed. */
	readonly busyIds: ReadonlySet<string>;
	readonly start: (webhook: Webhook) => void;
	readonly dismiss: () => void;
}

interface Failure {
	readonly error: Error;
	readonly what: string;
}

export function useRowChange(): RowChange {
	const make = useWatchedCall();
	const [failure, setFailure] = useState<Failure | null>(null);
	const [busyIds, setBusyIds] = useState<ReadonlySet<string>>(new Set());
	const ended = ({ id }: Webhook) => setBusyIds((ids) => new Set([...ids].filter((other) => other !== id)));
	const change = usePauseOrResume(
		(webhook, _, tell) => {
			const { name, status } = webhook;
			ended(webhook);
			tell(status === "Paused" ? `Paused ${name}: its deliveries are held` : `Resumed ${name}`);
		},
		(error, webhook) => {
			ended(webhook);
			setFailure({ error, what: failureOf(webhook) });
		},
	);
	return {
		error: failure?.error ?? null,
		what: failure?.what ?? "",
		busyIds,
		start: (webhook) => {
			setFailure(null);
			setBusyIds((ids) => new Set([...ids, webhook.id]));
			make(failureOf(webhook), () => change.mutateAsync(webhook));
		},
		dismiss: () => setFailure(null),
	};
}

function failureOf({ name, status }: Webhook): string {
	return `${name} was not ${status === "Enabled" ? "paused" : "resumed"}`;
}
