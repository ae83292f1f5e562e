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

export function BulkActions({ search, selected, onDone }: BulkActionsProps) {
	const [action, setAction] = useState<Action | null>(null);
	const close = () => setAction(null);
	const isAny = selected.size > 0;
	const isOffered = (action: Action) => isAny || (hasFilter(search) && changeable(search, action) !== null);
	const offered = (["retry", "cancel"] as const).filter(isOffered);
	const part = action === null ? null : changeable(search, action);
	useShortcuts({ ...(isOffered("retry") && { R: () => setAction("retry") }) });
	return (
		<>
			{offered.map((one) => (
				<Button key={one} size="xs" variant="default" onClick={() => setAction(one)}>
					{isAny ? `${VERBS[one]} ${count(selected.size)} selected…` : `${VERBS[one]} all that match…`}
				</Button>
			))}
			{action !== null && isAny && (
				<ChangeSelected
					action={action}
					selected={selected}
					onClose={close}
					onDone={() => {
						close();
						onDone();
					}}
				/>
			)}
			{action !== null && !isAny && part !== null && (
				<ChangeAll action={action} search={part} onDone={close} onClose={close} />
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
	const change = useDeliveryChange(
		(project) => changeSelected(project, action, selected),
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
			{action === "retry"
				? "Each of them that is Failed, Cancelled or Pending is attempted again now. Cancel stops what has not been sent yet."
				: "Those that are Pending or Held will not be sent. They can be retried later."}
		</Confirm>
	);
}

/** One call for each: those that can't be changed, for example because they have succeeded meanwhile, are passed over. */
async function changeSelected(project: ProjectHandle, action: Action, ids: ReadonlySet<string>): Promise<number> {
	let changed = 0;
	let failure: unknown = null;
	for (const id of ids) {
		const call = action === "retry" ? project.deliveries.retry(id) : project.deliveries.cancel(id);
		await call.then(
			() => (changed += 1),
			(error: unknown) => (failure = error),
		);
	}
	if (changed === 0 && failure !== null) throw failure;
	return changed;
}
