// Calls that have failed when the dialog or the screen that made them is gone: notices in the corner, which stay until somebody tries again
// or dismisses them. They are in the query cache.
import { skipToken, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";

import { Problem } from "./problem.tsx";
import { useIsShown } from "./use-is-shown.ts";

const KEY = ["late-failures"] as const;
const NONE: readonly LateFailure[] = [];

interface LateFailure {
	readonly id: string;
	readonly what: string;
	readonly error: unknown;
	/** Makes the call again. */
	readonly call: () => Promise<unknown>;
}

/**
 * Returns the function that makes a call whose failure nobody misses. While the dialog or the screen is shown, it shows the failure itself;
 * afterwards a notice does.
 *
 * @param isOpen of a dialog that stays in the tree when it is closed
 * @example
 * const make = useWatchedCall();
 * make("Billing was not saved", () => update.mutateAsync(draft));
 */
export function useWatchedCall(isOpen = true): (what: string, call: () => Promise<unknown>) => void {
	const queryClient = useQueryClient();
	const isShown = useIsShown(isOpen);
	return (what, call) => {
		call().catch((error: unknown) => {
			if (!isShown()) put(queryClient, { id: newId(), what, error, call });
		});
	};
}

function newId(): string {
	return `${Date.now()} ${Math.random()}`;
}

function put(queryClient: QueryClient, failure: LateFailure): void {
	change(queryClient, (all) => [...all.filter(({ id }) => id !== failure.id), failure]);
}

function take(queryClient: QueryClient, id: string): void {
	change(queryClient, (all) => all.filter((one) => one.id !== id));
}

function change(queryClient: QueryClient, map: (all: readonly LateFailure[]) => readonly LateFailure[]): void {
	queryClient.setQueryData<readonly LateFailure[]>(KEY, (all = NONE) => map(all));
}

export function LateFailures() {
	const queryClient = useQueryClient();
	const { data = NONE } = useQuery<readonly LateFailure[]>({
		queryKey: KEY,
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	if (data.length === 0) return null;
	const again = (failure: LateFailure) =>
		failure.call().then(
			() => take(queryClient, failure.id),
			(error: unknown) => put(queryClient, { ...failure, error }),
		);
	return (
		<section className="changes" aria-label="What has failed">
			{data.map((failure) => (
				<div key={failure.id} className="card change">
					<Problem
						error={failure.error}
						what={failure.what}
						onRetry={() => again(failure)}
						onDismiss={() => take(queryClient, failure.id)}
					/>
				</div>
			))}
		</section>
	);
}
