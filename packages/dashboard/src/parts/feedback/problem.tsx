// Failures of calls: what is wrong, what to do, and the request's id for whoever looks into the server's log.
import { ApiError, ConnectionError, PermissionDeniedError } from "@fanfare/sdk";
import { Button } from "@mantine/core";

import { Icon } from "../layout/icon.tsx";
import { CopyButton } from "../text/copy.tsx";

interface ProblemProps {
	readonly error: unknown;
	/** What was tried, such as `The deliveries could not be loaded`. */
	readonly what?: string;
	readonly onRetry?: () => void;
}

export function Problem({ error, what, onRetry }: ProblemProps) {
	const requestId = error instanceof ApiError ? error.requestId : null;
	return (
		<div className="note bad" role="alert">
			<Icon name="alert" />
			<div>
				{what !== undefined && (
					<p>
						<strong>{what}</strong>
					</p>
				)}
				<p>{sentenceOf(error)}</p>
				{requestId !== null && (
					<p className="mono">
						{requestId} <CopyButton text={requestId} label="Copy the request id" />
					</p>
				)}
			</div>
			{onRetry !== undefined && (
				<Button size="xs" variant="default" onClick={onRetry}>
					Try again
				</Button>
			)}
		</div>
	);
}

/** What went wrong, as a sentence for people. The server's own messages say what to do. */
export function sentenceOf(error: unknown): string {
	if (error instanceof ConnectionError) return "The server does not answer. What is shown may be out of date.";
	if (error instanceof PermissionDeniedError) return `Your key does not allow this: ${error.message}`;
	if (error instanceof Error) return error.message;
	return String(error);
}
