// Failures of calls: what is wrong, what to do, and the request's id for whoever looks into the server's log.
import { ApiError, ConnectionError, NotFoundError, PermissionDeniedError, UnexpectedResponseError } from "@fanfare/sdk";
import { ActionIcon, Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";

import { Icon } from "../layout/icon.tsx";
import { CopyButton } from "../text/copy.tsx";
import { duration } from "../text/format.ts";
import { useNow } from "../text/time.tsx";
import { InDoubtError, isInDoubt, type Doubt } from "./doubt.ts";

const GONE = 410;

interface ProblemProps {
	readonly error: unknown;
	/** What was tried, such as `The deliveries could not be loaded`. */
	readonly what?: string;
	/** Why, if it can be said better than the error says it. */
	readonly reason?: string | undefined;
	/** Resolves when it has ended. Offered unless the same call would fail again, for example because there is no such thing. */
	readonly onRetry?: () => Promise<unknown>;
	/** Of a call that makes something: said instead, without an offer to try again, if it is not known whether it was done. */
	readonly doubt?: Doubt | undefined;
	/** What else can be done about it. */
	readonly actions?: ReactNode;
	/** Takes it away: for a failure that nothing else ends. */
	readonly onDismiss?: () => void;
}

export function Problem({ error, what, reason, onRetry, doubt, actions, onDismiss }: ProblemProps) {
	const requestId = error instanceof ApiError || error instanceof UnexpectedResponseError ? error.requestId : null;
	const inDoubt = error instanceof InDoubtError ? error.doubt : doubt !== undefined && isInDoubt(error) ? doubt : null;
	const title = inDoubt?.what ?? what;
	return (
		<div className={inDoubt === null ? "note bad" : "note warn"} role="alert">
			<Icon name="alert" />
			<div>
				{title !== undefined && (
					<p>
						<strong>{title}</strong>
					</p>
				)}
				{inDoubt === null ? (
					<p>
						{reason ?? sentenceOf(error)}
						{error instanceof ApiError && error.retryAfterMs !== null && (
							<Wait key={error.requestId} ms={error.retryAfterMs} />
						)}
					</p>
				) : (
					<Advice error={error} doubt={inDoubt} />
				)}
				{requestId !== null && (
					<p className="mono">
						{requestId} <CopyButton text={requestId} label="Copy the request id" />
					</p>
				)}
			</div>
			{onRetry !== undefined && inDoubt === null && !isFinal(error) && <TryAgain onRetry={onRetry} />}
			{actions}
			{onDismiss !== undefined && (
				<ActionIcon variant="subtle" color="gray" aria-label="Dismiss" onClick={onDismiss}>
					<Icon name="cross" size={16} />
				</ActionIcon>
			)}
		</div>
	);
}

/** Why it is not known, where to look, and what to do then. */
function Advice({ error, doubt: { advice, look } }: { readonly error: unknown; readonly doubt: Doubt }) {
	return (
		<p>
			{error instanceof ConnectionError ? "The server's answer did not arrive." : sentenceOf(error)} {advice}
			{look !== undefined && (
				<>
					{" "}
					{/* Elsewhere, as the form around it would be lost. */}
					<Link className="link underlined" target="_blank" rel="noopener" {...look.link}>
						{look.text} (in a new tab)
					</Link>
				</>
			)}
		</p>
	);
}

function TryAgain({ onRetry }: { readonly onRetry: () => Promise<unknown> }) {
	const [isTrying, setTrying] = useState(false);
	const retry = () => {
		setTrying(true);
		void onRetry().finally(() => setTrying(false));
	};
	return (
		<Button size="xs" variant="default" loading={isTrying} onClick={retry}>
			Try again
		</Button>
	);
}

/** How long the server asks to wait, from now on; nothing when that is over. */
function Wait({ ms }: { readonly ms: number }) {
	const [until] = useState(() => Date.now() + ms);
	const leftMs = until - useNow(1_000);
	if (leftMs <= 0) return null;
	return <span className="num"> It asks to wait for {duration(Math.ceil(leftMs / 1_000) * 1_000)}.</span>;
}

/** Whether the same call would fail again. */
function isFinal(error: unknown): boolean {
	return (
		error instanceof NotFoundError ||
		error instanceof PermissionDeniedError ||
		(error instanceof ApiError && error.status === GONE)
	);
}

/** What went wrong, as a sentence for people. The server's own messages say what to do. */
export function sentenceOf(error: unknown): string {
	if (error instanceof ConnectionError) {
		return "The server does not answer. When it does, what is missing here is loaded. A change is for you to try again.";
	}
	if (error instanceof PermissionDeniedError) return `Your key does not allow this: ${error.message}`;
	if (error instanceof Error) return error.message;
	return String(error);
}
