// Retries and cancels what is selected, or everything that matches the filter, after saying how much that is.
import { ApiError, type Delivery, type ProjectHandle } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { valuesOf, type DeliveriesSearch } from "../../app/search.ts";
import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import type { Selection } from "../../parts/list/use-selection.ts";
import { count, counted } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { useShortcuts } from "../../shell/use-shortcuts.ts";
import { allOf, changeable, ChangeAll, DONE, isChangeable, VERBS, type Action } from "./change-all.tsx";
import { hasFilter } from "./filters.tsx";
import { countQuery, useDeliveryChange } from "./queries.ts";

const ACTIONS = ["retry", "cancel"] as const;

interface BulkActionsProps {
	readonly search: DeliveriesSearch;
	/** Those that are loaded. */
	readonly rows: readonly Delivery[];
	readonly selection: Selection;
	/** Whether nothing matches. */
	readonly isEmpty: boolean;
	/** Whether more match than are loaded. */
	readonly hasMore: boolean;
}

/** A question: about those of the selected ones that the action changes, or about all of a search. */
type Asked = {
	readonly action: Action;
	/** Selects no longer what was asked about. */
	readonly clear: () => void;
} & ({ readonly ids: readonly string[]; readonly left: number } | { readonly part: DeliveriesSearch });

/** Give it the list as its `key`: a question is about one list, and is gone when another one is shown. */
export function BulkActions({ search, rows, selection, isEmpty, hasMore }: BulkActionsProps) {
	const { selected, goneCount, isAll, clear, deselect } = selection;
	const [asked, setAsked] = useState<Asked | null>(null);
	const close = () => setAsked(null);
	// Somebody who has selected rows means those, also if none of them is shown any more: never all that match instead.
	const isOfSelected = selected.size + goneCount > 0;
	const isBlocked = isOfSelected && selected.size === 0;
	const chosen = rows.filter(({ id }) => selected.has(id));
	const idsFor = (action: Action) => chosen.filter(({ status }) => isChangeable(status, action)).map(({ id }) => id);
	const partOf = (action: Action) => (isEmpty || !hasFilter(search) ? null : changeable(search, action));
	const isOffered = (action: Action) =>
		isOfSelected ? isBlocked || idsFor(action).length > 0 : partOf(action) !== null;
	const offered = ACTIONS.filter(isOffered);
	const askAll = (action: Action) => {
		const part = partOf(action);
		if (part === null) return;
		const statuses = valuesOf(part.status);
		const done = new Set(chosen.filter(({ status }) => statuses.includes(status)).map(({ id }) => id));
		setAsked({ action, part, clear: () => deselect(done) });
	};
	// What is asked about stays what it is, also if rows leave the list while somebody reads the question.
	const ask = (action: Action) => {
		if (!isOfSelected) return askAll(action);
		const ids = idsFor(action);
		setAsked({ action, ids, left: selected.size - ids.length, clear });
	};
	/** Somebody may have closed it while it was under way, and asked something else since. */
	const onDone = () => {
		setAsked((now) => (now === asked ? null : now));
		asked?.clear();
	};
	useShortcuts({ ...(isOffered("retry") && !isBlocked && { R: () => ask("retry") }) });
	return (
		<>
			{isOfSelected && offered.length === 0 && (
				<span className="dim">
					{selected.size === 1 ? "It can't be retried or cancelled" : "None of them can be retried or cancelled"}
				</span>
			)}
			{offered.map((one) => (
				<Button key={one} size="xs" variant="default" disabled={isBlocked} onClick={() => ask(one)}>
					{`${VERBS[one]} ${isOfSelected ? `${count(idsFor(one).length)} selected` : allOf(partOf(one) ?? search)}…`}
				</Button>
			))}
			{/* Somebody who selects all that are shown often means those below, too. */}
			{isAll &&
				hasMore &&
				ACTIONS.map((one) => {
					const part = partOf(one);
					return part !== null && <AllButton key={one} action={one} part={part} onAsk={() => askAll(one)} />;
				})}
			{asked !== null && "ids" in asked && (
				<ChangeSelected
					action={asked.action}
					ids={asked.ids}
					left={asked.left}
					onChanged={deselect}
					onClose={close}
					onDone={onDone}
				/>
			)}
			{asked !== null && "part" in asked && (
				<ChangeAll action={asked.action} search={asked.part} onDone={onDone} onClose={close} />
			)}
		</>
	);
}

interface AllButtonProps {
	readonly action: Action;
	/** What the action changes of all that match. */
	readonly part: DeliveriesSearch;
	readonly onAsk: () => void;
}

/** Names how many there are, if that could be counted to the end; it is absent if there is none. */
function AllButton({ action, part, onAsk }: AllButtonProps) {
	const { data: matching } = useQuery(countQuery(useProject(), part));
	if (matching?.complete === true && matching.count === 0) return null;
	return (
		<Button size="xs" variant="subtle" onClick={onAsk}>
			{`${VERBS[action]} ${allOf(part, matching?.complete === true ? matching.count : null)}…`}
		</Button>
	);
}

interface ChangeSelectedProps {
	readonly action: Action;
	readonly ids: readonly string[];
	/** How many of the selected ones it does not change. */
	readonly left: number;
	/** Called now and then, with those that are changed by then. */
	readonly onChanged: (ids: ReadonlySet<string>) => void;
	readonly onDone: () => void;
	readonly onClose: () => void;
}

function ChangeSelected({ action, ids, left, onChanged, onDone, onClose }: ChangeSelectedProps) {
	const toast = useToast();
	const [progress, setProgress] = useState<Progress>({ changed: [], rest: ids });
	const { changed, rest } = progress;
	const change = useDeliveryChange(
		(project) =>
			changeSelected(project, action, progress, (now) => {
				setProgress(now);
				onChanged(new Set(now.changed));
			}),
		(changed) => {
			toast(`${counted(changed, "delivery is", "deliveries are")} ${DONE[action]}`);
			onDone();
		},
	);
	const isCutShort = change.isError && rest.length > 0;
	return (
		<Confirm
			isOpen
			title={`${VERBS[action]} deliveries?`}
			verb={`${VERBS[action]} ${counted(isCutShort ? rest.length : ids.length, "delivery", "deliveries")}`}
			isBlocked={change.isError && rest.length === 0}
			isDangerous={action === "cancel"}
			isBusy={change.isPending}
			error={change.error}
			onConfirm={() => change.mutate(null)}
			onClose={onClose}
		>
			<p className="flat">
				{action === "retry"
					? "Each of them is attempted again now. Cancel stops what has not been sent yet."
					: "They will not be sent. They can be retried later."}
			</p>
			{left > 0 && (
				<p className="flat dim">
					{`${counted(left, "other of the selection stays as it is", "others of the selection stay as they are")}: ${LEFT[action]}`}
				</p>
			)}
			{change.isPending && ids.length > AT_ONCE && (
				<p className="flat dim num">{`${count(ids.length - rest.length)} of ${count(ids.length)} so far`}</p>
			)}
			{isCutShort && changed.length > 0 && (
				<p className="flat num">
					{`${counted(changed.length, "delivery is", "deliveries are")} ${DONE[action]}, ${counted(rest.length, "is", "are")} not.`}
				</p>
			)}
		</Confirm>
	);
}

/** What of the selected ones an action does not change. */
const LEFT = {
	retry: "what has succeeded can be replayed, and what is held is sent when its webhook is resumed.",
	cancel: "only what is Pending or Held can be cancelled.",
} as const;

/** Calls that are made at the same time. */
const AT_ONCE = 8;

/** Refusals of one delivery, which say nothing about the others. */
const REFUSALS: ReadonlySet<string | null> = new Set([
	"delivery_not_changeable",
	"delivery_not_found",
	"payload_erased",
	"too_many_retries",
	"webhook_not_active",
]);

/** What became of one call; the error is null if it has changed its delivery. */
interface Outcome {
	readonly id: string;
	readonly error: unknown;
}

/** How far a change of several deliveries has come. */
interface Progress {
	/** Those that are changed. */
	readonly changed: readonly string[];
	/** Those of which it is not known whether they can be changed. */
	readonly rest: readonly string[];
}

/**
 * One call for each: those that can't be changed, for example because they have succeeded meanwhile, are passed over. Any other failure,
 * such as the end of the session, ends it. Returns how many are changed.
 */
async function changeSelected(
	{ deliveries }: ProjectHandle,
	action: Action,
	{ changed, rest }: Progress,
	onProgress: (now: Progress) => void,
): Promise<number> {
	const call = (id: string): Promise<Outcome> =>
		deliveries[action](id).then(
			() => ({ id, error: null }),
			(error: unknown) => ({ id, error }),
		);
	let refusal: unknown = null;
	while (rest.length > 0) {
		// oxlint-disable-next-line no-await-in-loop -- so that not all are asked for at once
		const outcomes = await Promise.all(rest.slice(0, AT_ONCE).map(call));
		const failed = outcomes.filter(({ error }) => error !== null && !isRefusal(error));
		refusal ??= outcomes.find(({ error }) => isRefusal(error))?.error ?? null;
		changed = [...changed, ...outcomes.flatMap(({ id, error }) => (error === null ? [id] : []))];
		rest = [...failed.map(({ id }) => id), ...rest.slice(AT_ONCE)];
		onProgress({ changed, rest });
		if (failed[0] !== undefined) throw failed[0].error;
	}
	if (changed.length === 0 && refusal !== null) throw refusal;
	return changed.length;
}

function isRefusal(error: unknown): boolean {
	return error instanceof ApiError && REFUSALS.has(error.code);
}
