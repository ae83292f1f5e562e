// Retries and cancels what is selected, or everything that matches the filter, after saying how much that is.
import type { ProjectHandle } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useState } from "react";

import type { DeliveriesSearch } from "../../app/search.ts";
import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import type { Selection } from "../../parts/list/use-selection.ts";
import { count, counted } from "../../parts/text/format.ts";
import { useShortcuts } from "../../shell/use-shortcuts.ts";
import { changeable, ChangeAll, DONE, VERBS, type Action } from "./change-all.tsx";
import { hasFilter } from "./filters.tsx";
import { useDeliveryChange } from "./queries.ts";

interface BulkActionsProps {
	readonly search: DeliveriesSearch;
	readonly selection: Selection;
	/** Whether nothing matches. */
	readonly isEmpty: boolean;
}

/** A question: about what was selected, or about all of a search. */
type Asked = { readonly action: Action } & ({ readonly selection: Selection } | { readonly part: DeliveriesSearch });

/** Give it the list as its `key`: a question is about one list, and is gone when another one is shown. */
export function BulkActions({ search, selection, isEmpty }: BulkActionsProps) {
	const { selected, goneCount } = selection;
	const [asked, setAsked] = useState<Asked | null>(null);
	const close = () => setAsked(null);
	// Somebody who has selected rows means those, also if none of them is shown any more: never all that match instead.
	const isOfSelected = selected.size + goneCount > 0;
	const isBlocked = isOfSelected && selected.size === 0;
	const isOffered = (action: Action) =>
		isOfSelected || (!isEmpty && hasFilter(search) && changeable(search, action) !== null);
	const offered = (["retry", "cancel"] as const).filter(isOffered);
	// What is asked about stays what it is, also if rows leave the list while somebody reads the question.
	const ask = (action: Action) => {
		const part = isOfSelected ? null : changeable(search, action);
		setAsked(part === null ? { action, selection } : { action, part });
	};
	/** Somebody may have closed it while it was under way, and asked something else since. */
	const closeThis = () => setAsked((now) => (now === asked ? null : now));
	useShortcuts({ ...(isOffered("retry") && !isBlocked && { R: () => ask("retry") }) });
	return (
		<>
			{offered.map((one) => (
				<Button key={one} size="xs" variant="default" disabled={isBlocked} onClick={() => ask(one)}>
					{isOfSelected ? `${VERBS[one]} ${count(selected.size)} selected…` : `${VERBS[one]} all that match…`}
				</Button>
			))}
			{asked !== null && "selection" in asked && (
				<ChangeSelected
					action={asked.action}
					selected={asked.selection.selected}
					onClose={close}
					onDone={() => {
						closeThis();
						asked.selection.clear();
					}}
				/>
			)}
			{asked !== null && "part" in asked && (
				<ChangeAll action={asked.action} search={asked.part} onDone={closeThis} onClose={close} />
			)}
		</>
	);
}

interface ChangeSelectedProps {
	readonly action: Action;
	readonly selected: ReadonlySet<string>;
	readonly onDone: () => void;
	readonly onClose: () => void;
}

function ChangeSelected({ action, selected, onDone, onClose }: ChangeSelectedProps) {
	const toast = useToast();
	const [done, setDone] = useState(0);
	const change = useDeliveryChange(
		(project) => changeSelected(project, action, [...selected], setDone),
		(changed) => {
			toast(`${counted(changed, "delivery is", "deliveries are")} ${DONE[action]}`);
			onDone();
		},
	);
	return (
		<Confirm
			isOpen
			title={`${VERBS[action]} deliveries?`}
			verb={`${VERBS[action]} ${counted(selected.size, "delivery", "deliveries")}`}
			isDangerous={action === "cancel"}
			isBusy={change.isPending}
			error={change.error}
			onConfirm={() => change.mutate(null)}
			onClose={onClose}
		>
			<p className="flat">
				{action === "retry"
					? "Each of them that is Failed, Cancelled or Pending is attempted again now. Cancel stops what has not been sent yet."
					: "Those that are Pending or Held will not be sent. They can be retried later."}
			</p>
			{change.isPending && selected.size > AT_ONCE && (
				<p className="flat dim num">{`${count(done)} of ${count(selected.size)} so far`}</p>
			)}
		</Confirm>
	);
}

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
