// Calls that have failed when the dialog or the screen that made them is gone: notices in the corner, which stay until somebody tries again
// or dismisses them. They are in the query cache.
import { ConflictError, type Caller } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { skipToken, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useParams, useRouter } from "@tanstack/react-router";

import { projectsQuery, useConnection } from "../../session/caller.ts";
import { callerKey } from "../../session/session-state.ts";
import type { Edit } from "../form/edit/edit.ts";
import { putUnsaved } from "../form/edit/unsaved.ts";
import { projectElsewhere } from "../text/project-elsewhere.ts";
import type { Doubt } from "./doubt.ts";
import { Problem } from "./problem.tsx";
import { useIsShown } from "./use-is-shown.ts";

const KEY = ["late-failures"] as const;
const OUTDATED = "Somebody else has changed it meanwhile. What you typed is kept: choose in its form what to save.";
const NONE: readonly LateFailure[] = [];

/** What a call is, as far as a notice about its failure needs to know. */
export interface CallKind<Draft extends object = never> {
	/** Of a call that makes something: what is said if its answer was lost. */
	readonly doubt?: Doubt | undefined;
	/** Of a call whose result is shown once: it is not made again where nobody would see the result. */
	readonly isOnce?: boolean;
	/** Of a save: what was typed. If somebody else was faster, it is taken back into its form, to choose there what to keep. */
	readonly unsaved?: { readonly form: string; readonly edit: Edit<Draft> };
}

interface LateFailure extends Pick<CallKind, "doubt" | "isOnce"> {
	readonly id: string;
	readonly what: string;
	readonly error: unknown;
	/** Makes the call again. */
	readonly call: () => Promise<unknown>;
	/** Who has made it: nobody else is told. */
	readonly callerId: Caller["id"] | undefined;
	/** Where it was made; null outside a project. */
	readonly projectId: string | null;
	/** Goes back to the form with what was typed. */
	readonly reopen: (() => void) | null;
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
export function useWatchedCall(isOpen = true) {
	const queryClient = useQueryClient();
	const router = useRouter();
	const { projectId = null } = useParams({ strict: false });
	const isShown = useIsShown(isOpen);
	return <Draft extends object = never>(
		what: string,
		call: () => Promise<unknown>,
		{ doubt, isOnce = false, unsaved }: CallKind<Draft> = {},
	): void => {
		const callerId = callerIdOf(queryClient);
		const { href } = router.state.location;
		const reopen =
			unsaved === undefined
				? null
				: () => {
						putUnsaved(queryClient, unsaved.form, unsaved.edit);
						router.history.push(href);
					};
		call().catch((error: unknown) => {
			if (isShown()) return;
			put(queryClient, { id: newId(), what, error, call, callerId, projectId, reopen, doubt, isOnce });
		});
	};
}

function callerIdOf(queryClient: QueryClient): Caller["id"] | undefined {
	return queryClient.getQueryData<Caller>(callerKey)?.id;
}

function newId(): string {
	return `${Date.now()} ${Math.random()}`;
}

/** Nobody is told of it if somebody has signed out since, or signed in with another key. */
function put(queryClient: QueryClient, failure: LateFailure): void {
	if (failure.callerId !== callerIdOf(queryClient)) return;
	change(queryClient, (all) => [...all.filter(({ id }) => id !== failure.id), failure]);
}

function take(queryClient: QueryClient, id: string): void {
	change(queryClient, (all) => all.filter((one) => one.id !== id));
}

function change(queryClient: QueryClient, map: (all: readonly LateFailure[]) => readonly LateFailure[]): void {
	queryClient.setQueryData<readonly LateFailure[]>(KEY, (all = NONE) => map(all));
}

export function LateFailures() {
	const { data = NONE } = useQuery<readonly LateFailure[]>({
		queryKey: KEY,
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	return data.length === 0 ? null : <Notices all={data} />;
}

function Notices({ all }: { readonly all: readonly LateFailure[] }) {
	const queryClient = useQueryClient();
	const { projectId = null } = useParams({ strict: false });
	const { data: projects = [] } = useQuery(projectsQuery(useConnection()));
	const again = (failure: LateFailure) =>
		failure.call().then(
			() => take(queryClient, failure.id),
			(error: unknown) => put(queryClient, { ...failure, error }),
		);
	return (
		<section className="changes" aria-label="What has failed">
			{all.map((failure) => {
				const { id, what, error, doubt, isOnce, reopen } = failure;
				const where = failure.projectId === null ? "" : projectElsewhere(failure.projectId, { projectId, projects });
				// The same call would be refused again: it names the version that somebody else has changed.
				const mustReopen = reopen !== null && isOutdated(error);
				return (
					<div key={id} className="card change">
						<Problem
							error={error}
							what={where === "" ? what : `${what} (${where})`}
							reason={mustReopen ? OUTDATED : undefined}
							doubt={doubt}
							{...(!mustReopen && isOnce !== true && { onRetry: () => again(failure) })}
							actions={
								mustReopen && (
									<Button
										size="xs"
										variant="default"
										onClick={() => {
											take(queryClient, id);
											reopen();
										}}
									>
										Open the form
									</Button>
								)
							}
							onDismiss={() => take(queryClient, id)}
						/>
					</div>
				);
			})}
		</section>
	);
}

/** Whether somebody else has changed it since it was read. */
function isOutdated(error: unknown): boolean {
	return error instanceof ConflictError && error.code === "revision_conflict";
}
