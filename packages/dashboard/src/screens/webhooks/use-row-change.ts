// Pausing and resuming from the menu of a row. The row may be gone when it fails, for example by a filter; the screen may be, too.
import type { Webhook } from "@fanfare/sdk";
import { useEffect, useRef, useState } from "react";

import { sentenceOf } from "../../parts/feedback/problem.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
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
	const toast = useToast();
	const isShown = useRef(false);
	useEffect(() => {
		isShown.current = true;
		return () => {
			isShown.current = false;
		};
	}, []);
	const [failure, setFailure] = useState<Failure | null>(null);
	const [busyIds, setBusyIds] = useState<ReadonlySet<string>>(new Set());
	const ended = ({ id }: Webhook) => setBusyIds((ids) => new Set([...ids].filter((other) => other !== id)));
	const change = usePauseOrResume(
		(webhook) => {
			const { name, status } = webhook;
			ended(webhook);
			toast(status === "Paused" ? `Paused ${name}: its deliveries are held` : `Resumed ${name}`);
		},
		(error, webhook) => {
			const what = `${webhook.name} was not ${webhook.status === "Enabled" ? "paused" : "resumed"}`;
			ended(webhook);
			if (isShown.current) setFailure({ error, what });
			else toast(`${what}. ${sentenceOf(error)}`);
		},
	);
	return {
		error: failure?.error ?? null,
		what: failure?.what ?? "",
		busyIds,
		start: (webhook) => {
			setFailure(null);
			setBusyIds((ids) => new Set([...ids, webhook.id]));
			change.mutate(webhook);
		},
		dismiss: () => setFailure(null),
	};
}
