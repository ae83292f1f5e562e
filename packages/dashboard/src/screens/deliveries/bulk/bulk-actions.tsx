// Retries and cancels what is selected, or everything that matches the filter, after saying how much that is.
import type { Delivery } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useLayoutEffect, useRef, useState, type RefObject } from "react";

import { valuesOf, type DeliveriesSearch } from "../../../app/search.ts";
import type { Selection } from "../../../parts/list/use-selection.ts";
import { count, counted } from "../../../parts/text/format.ts";
import { useZone } from "../../../parts/text/zone.ts";
import { useProject } from "../../../session/caller.ts";
import { useShortcuts } from "../../../shell/shortcuts/use-shortcuts.ts";
import { useWebhookNames } from "../../webhooks/names.ts";
import { hasFilter } from "../filters.tsx";
import { countQuery } from "../queries.ts";
import { allOf, changeable, isChangeable, VERBS, type Action } from "./actions.ts";
import { listOf, useListChange } from "./bulk-changes.ts";
import { ChangeAll } from "./change-all.tsx";
import { ChangeSelected } from "./change-selected.tsx";
import { SelectedSteps } from "./steps.ts";
import { listWords } from "./where.ts";

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
} & ({ readonly ids: readonly string[]; readonly others: number } | { readonly part: DeliveriesSearch });

/** Give it the list as its `key`: a question is about one list, and is gone when another one is shown. */
export function BulkActions({ search, rows, selection, isEmpty, hasMore }: BulkActionsProps) {
	const { selected, goneCount, isAll, clear, deselect } = selection;
	const project = useProject();
	const webhooks = useWebhookNames([search.webhook]);
	const [zone] = useZone();
	const list = listOf(search);
	const [isUnderWay, changes] = useListChange(project.id, list);
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
		if (part === null || !changes.mayStart(project.id, list)) return;
		const statuses = valuesOf(part.status);
		const done = new Set(chosen.filter(({ status }) => statuses.includes(status)).map(({ id }) => id));
		setAsked({ action, part, clear: () => deselect(done) });
	};
	// What is asked about stays what it is, also if rows leave the list while somebody reads the question.
	const ask = (action: Action) => {
		if (!isOfSelected) return askAll(action);
		if (!changes.mayStart(project.id, list)) return;
		const ids = idsFor(action);
		setAsked({ action, ids, others: selected.size - ids.length, clear });
	};
	/** Those that are changed leave the selection one after the other, and the others when all is done. */
	const start = (action: Action, ids: readonly string[]) => {
		const steps = new SelectedSteps(project, action, ids, deselect);
		const object = counted(ids.length, "selected delivery", "selected deliveries");
		const listName = listWords(search, { webhooks, zone });
		changes.start({ projectId: project.id, action, list, listName, object, steps, onDone: () => asked?.clear() });
		close();
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
				<ActionButton
					key={one}
					variant="default"
					text={`${VERBS[one]} ${isOfSelected ? `${count(idsFor(one).length)} selected` : allOf(partOf(one) ?? search)}…`}
					isBlocked={isBlocked}
					isUnderWay={isUnderWay}
					onAsk={() => ask(one)}
				/>
			))}
			{/* Somebody who selects all that are shown often means those below, too. */}
			{isAll &&
				hasMore &&
				ACTIONS.map((one) => {
					const part = partOf(one);
					if (part === null) return null;
					return <AllButton key={one} action={one} part={part} isUnderWay={isUnderWay} onAsk={() => askAll(one)} />;
				})}
			{asked !== null && "ids" in asked && (
				<ChangeSelected
					action={asked.action}
					amount={asked.ids.length}
					others={asked.others}
					onConfirm={() => start(asked.action, asked.ids)}
					onClose={close}
				/>
			)}
			{asked !== null && "part" in asked && (
				<ChangeAll action={asked.action} search={asked.part} onDone={asked.clear} onClose={close} />
			)}
		</>
	);
}

interface ActionButtonProps {
	readonly text: string;
	readonly variant: "default" | "subtle";
	readonly isBlocked?: boolean;
	/** Then it keeps the focus, and pressing it says what is under way. */
	readonly isUnderWay: boolean;
	readonly onAsk: () => void;
}

function ActionButton({ text, variant, isBlocked = false, isUnderWay, onAsk }: ActionButtonProps) {
	const button = useRef<HTMLButtonElement>(null);
	useFocusWhenGone(button);
	return (
		<Button
			ref={button}
			size="xs"
			variant={variant}
			disabled={isBlocked}
			{...(isUnderWay && { "aria-disabled": true, "data-disabled": true })}
			onClick={onAsk}
		>
			{text}
		</Button>
	);
}

/** When a button that has the focus leaves, for example since nothing is left for it to change, the keyboard goes on at the content. */
function useFocusWhenGone(button: RefObject<HTMLButtonElement | null>): void {
	useLayoutEffect(() => {
		const element = button.current;
		return () => {
			if (document.activeElement !== element) return;
			queueMicrotask(() => {
				if (document.activeElement !== document.body) return;
				document.querySelector<HTMLElement>("#content")?.focus({ preventScroll: true });
			});
		};
	}, [button]);
}

interface AllButtonProps extends Pick<ActionButtonProps, "isUnderWay" | "onAsk"> {
	readonly action: Action;
	/** What the action changes of all that match. */
	readonly part: DeliveriesSearch;
}

/** Names how many there are, if that could be counted to the end; it is absent if there is none. */
function AllButton({ action, part, isUnderWay, onAsk }: AllButtonProps) {
	const { data: matching } = useQuery(countQuery(useProject(), part));
	if (matching?.complete === true && matching.count === 0) return null;
	const text = `${VERBS[action]} ${allOf(part, matching?.complete === true ? matching.count : null)}…`;
	return <ActionButton variant="subtle" text={text} isUnderWay={isUnderWay} onAsk={onAsk} />;
}
