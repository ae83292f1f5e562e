// Retries and cancels what is selected, or everything that matches the filter, after saying how much that is.
import type { Delivery, ProjectHandle } from "@fanfare/sdk";
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
				<ChangeSelected action={asked.action} ids={asked.ids} left={asked.left} onClose={close} onDone={onDone} />
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
	readonly onDone: () => void;
	readonly onClose: () => void;
}

function ChangeSelected({ action, ids, left, onDone, onClose }: ChangeSelectedProps) {
	const toast = useToast();
	const [done, setDone] = useState(0);
	const change = useDeliveryChange(
		(project) => changeSelected(project, action, ids, setDone),
		(changed) => {
			toast(`${counted(changed, "delivery is", "deliveries are")} ${DONE[action]}`);
			onDone();
		},
	);
	return (
		<Confirm
			isOpen
			title={`${VERBS[action]} deliveries?`}
			verb={`${VERBS[action]} ${counted(ids.length, "delivery", "deliveries")}`}
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
				<p className="flat dim num">{`${count(done)} of ${count(ids.length)} so far`}</p>
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

/** One call for each: those that can't be changed, for example because they have succeeded meanwhile, are passed over. */
async function changeSelected(
	{ deliveries }: ProjectHandle,
	action: Action,
	ids: readonly string[],
	onProgress: (done: number) => void,
): Promise<number> {
	let changed = 0;
	let failure: unknown = null;
	const change = (id: string) =>
		deliveries[action](id).then(
			() => (changed += 1),
			(error: unknown) => (failure = error),
		);
	for (let start = 0; start < ids.length; start += AT_ONCE) {
		// oxlint-disable-next-line no-await-in-loop -- so that not all are asked for at once
		await Promise.all(ids.slice(start, start + AT_ONCE).map(change));
		onProgress(Math.min(ids.length, start + AT_ONCE));
	}
	if (changed === 0 && failure !== null) throw failure;
	return changed;
}
