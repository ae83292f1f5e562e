// What nobody must miss when the dialog or the screen that made a call is gone: that it has failed, or that it has returned what is shown only
// once. Notices in the corner, which stay until somebody does something about it or dismisses them. They are in the query cache.
import { BadRequestError } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { skipToken, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useParams, useRouter } from "@tanstack/react-router";

import { projectsQuery, useConnection } from "../../session/caller.ts";
import type { Edit } from "../form/edit/edit.ts";
import { isOutdated } from "../form/edit/own-save.ts";
import { dropUnsaved, putUnsaved } from "../form/edit/unsaved.ts";
import { projectElsewhere } from "../text/project-elsewhere.ts";
import type { Doubt } from "./doubt.ts";
import { callerIdOf, useOrigin, type Origin } from "./origin.ts";
import { Problem } from "./problem.tsx";
import { useIsShown } from "./use-is-shown.ts";

const KEY = ["late-failures"] as const;
const OUTDATED = "Somebody else has changed it meanwhile. What you typed is kept: choose in its form what to save.";
const NONE: readonly LateNotice[] = [];

/** What a call is, as far as a notice about its end needs to know. */
export interface CallKind<Draft extends object = never, Result = unknown> {
	/** Of a call that makes something: what is said if its answer was lost. */
	readonly doubt?: Doubt | undefined;
	/** Of a call whose result is shown once: what is said if nobody has seen it. It is not made again where nobody would see the result. */
	readonly unseen?: (result: Result) => Unseen;
	/** Of a save: what was typed. It can be taken back into its form, which must be at the address where it was saved. */
	readonly unsaved?: { readonly form: string; readonly edit: Edit<Draft> };
}

interface Unseen {
	/** Such as `Nobody has seen the key of billing`. */
	readonly what: string;
	/** What to do about it. */
	readonly advice: string;
}

/** Nobody is told but whoever has made the call. */
interface LateNotice extends Origin {
	readonly id: string;
	readonly what: string;
	/** What to do, if the call has not failed. */
	readonly advice?: string;
	readonly failure: Failure | null;
}

interface Failure {
	readonly error: unknown;
	readonly doubt: Doubt | undefined;
	/** Makes the call again; null if that must not be. */
	readonly call: (() => Promise<unknown>) | null;
	/** The form with what was typed. */
	readonly form: KeptForm | null;
}

interface KeptForm {
	/** Goes back to it. Until it has taken what was typed, the notice stays: something may keep somebody where they are. */
	readonly reopen: (onTaken: () => void) => void;
	readonly drop: () => void;
}

/**
 * Returns the function that makes a call whose end nobody misses. While the dialog or the screen is shown, it shows the end itself;
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
	const origin = useOrigin();
	const isShown = useIsShown(isOpen);
	return <Result, Draft extends object = never>(
		what: string,
		call: () => Promise<Result>,
		{ doubt, unseen, unsaved }: CallKind<Draft, Result> = {},
	): void => {
		const made = { id: newId(), ...origin() };
		// As the history takes it, with the path below which the page is.
		const { publicHref } = router.state.location;
		const form: KeptForm | null =
			unsaved === undefined
				? null
				: {
						reopen: (onTaken) => {
							putUnsaved(queryClient, unsaved.form, { edit: unsaved.edit, onTaken });
							router.history.push(publicHref);
						},
						drop: () => dropUnsaved(queryClient, unsaved.form, unsaved.edit),
					};
		const ended = async (): Promise<LateNotice | null> => {
			try {
				const result = await call();
				return unseen === undefined ? null : { ...made, ...unseen(result), failure: null };
			} catch (error) {
				return { ...made, what, failure: { error, doubt, call: unseen === undefined ? call : null, form } };
			}
		};
		const watch = async () => {
			const notice = await ended();
			if (notice !== null && !isShown()) put(queryClient, notice);
		};
		void watch();
	};
}

function newId(): string {
	return `${Date.now()} ${Math.random()}`;
}

/** Nobody is told of it if somebody has signed out since, or signed in with another key. */
function put(queryClient: QueryClient, notice: LateNotice): void {
	if (notice.callerId !== callerIdOf(queryClient)) return;
	change(queryClient, (all) => [...all.filter(({ id }) => id !== notice.id), notice]);
}

function take(queryClient: QueryClient, id: string): void {
	change(queryClient, (all) => all.filter((one) => one.id !== id));
}

function change(queryClient: QueryClient, map: (all: readonly LateNotice[]) => readonly LateNotice[]): void {
	queryClient.setQueryData<readonly LateNotice[]>(KEY, (all = NONE) => map(all));
}

export function LateFailures() {
	const { data = NONE } = useQuery<readonly LateNotice[]>({
		queryKey: KEY,
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	return data.length === 0 ? null : <Notices all={data} />;
}

function Notices({ all }: { readonly all: readonly LateNotice[] }) {
	const { projectId = null } = useParams({ strict: false });
	const { data: projects = [] } = useQuery(projectsQuery(useConnection()));
	return (
		<section className="changes" aria-label="What you have missed">
			{all.map((notice) => {
				const where = notice.projectId === null ? "" : projectElsewhere(notice.projectId, { projectId, projects });
				return (
					<div key={notice.id} className="card change">
						<Notice notice={notice} title={where === "" ? notice.what : `${notice.what} (${where})`} />
					</div>
				);
			})}
		</section>
	);
}

function Notice({ notice, title }: { readonly notice: LateNotice; readonly title: string }) {
	const queryClient = useQueryClient();
	const { id, failure } = notice;
	const remove = () => take(queryClient, id);
	if (failure === null) return <Problem error={null} what={title} reason={notice.advice} onDismiss={remove} />;
	const { error, doubt, call, form } = failure;
	const dismiss = () => {
		form?.drop();
		remove();
	};
	const again = (call: () => Promise<unknown>) =>
		call().then(dismiss, (error: unknown) => put(queryClient, { ...notice, failure: { ...failure, error } }));
	return (
		<Problem
			error={error}
			what={title}
			reason={form !== null && isOutdated(error) ? OUTDATED : undefined}
			doubt={doubt}
			{...(call !== null && !isRefusedAgain(error) && { onRetry: () => again(call) })}
			actions={
				form !== null && (
					<Button size="xs" variant="default" onClick={() => form.reopen(remove)}>
						Open the form
					</Button>
				)
			}
			onDismiss={dismiss}
		/>
	);
}

/** Whether the same call would be refused again: it has a mistake, or names the version that somebody else has changed. */
function isRefusedAgain(error: unknown): boolean {
	return error instanceof BadRequestError || isOutdated(error);
}
