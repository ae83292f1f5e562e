// Retries and cancels what is selected, or everything that matches the filter, after saying how much that is.
import type { ProjectHandle } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useState } from "react";

import type { DeliveriesSearch } from "../../app/search.ts";
import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import { count, counted } from "../../parts/text/format.ts";
import { useShortcuts } from "../../shell/use-shortcuts.ts";
import { changeable, ChangeAll, DONE, VERBS, type Action } from "./change-all.tsx";
import { hasFilter } from "./filters.tsx";
import { useDeliveryChange } from "./queries.ts";

interface BulkActionsProps {
	readonly search: DeliveriesSearch;
	readonly selected: ReadonlySet<string>;
	readonly onDone: () => void;
}

/** A question: about what was selected, or about all of a search. */
type Asked = { readonly action: Action } & (
	| { readonly selected: ReadonlySet<string> }
	| { readonly part: DeliveriesSearch }
);

export function BulkActions({ search, selected, onDone }: BulkActionsProps) {
	const [asked, setAsked] = useState<Asked | null>(null);
	const close = () => setAsked(null);
	const isAny = selected.size > 0;
	const isOffered = (action: Action) => isAny || (hasFilter(search) && changeable(search, action) !== null);
	const offered = (["retry", "cancel"] as const).filter(isOffered);
	// What is asked about stays what it is, also if rows leave the list while somebody reads the question.
	const ask = (action: Action) => {
		const part = isAny ? null : changeable(search, action);
		setAsked(part === null ? { action, selected } : { action, part });
	};
	useShortcuts({ ...(isOffered("retry") && { R: () => ask("retry") }) });
	return (
		<>
			{offered.map((one) => (
				<Button key={one} size="xs" variant="default" onClick={() => ask(one)}>
					{isAny ? `${VERBS[one]} ${count(selected.size)} selected…` : `${VERBS[one]} all that match…`}
				</Button>
			))}
			{asked !== null && "selected" in asked && (
				<ChangeSelected
					action={asked.action}
					selected={asked.selected}
					onClose={close}
					onDone={() => {
						close();
						onDone();
					}}
				/>
			)}
			{asked !== null && "part" in asked && (
				<ChangeAll action={asked.action} search={asked.part} onDone={close} onClose={close} />
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
