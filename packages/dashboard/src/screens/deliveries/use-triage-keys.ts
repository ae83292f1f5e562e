// Triage by keyboard: j and k go from row to row, x selects. Enter, middle click and all else are those of a link.
//
// The keys go on from the same row, by its id: also if others were put above it, if it is far from the window, or if it has left the list.
import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from "react";

import { useShortcuts } from "../../shell/shortcuts/use-shortcuts.ts";

interface TriageKeys {
	/** The rows in their order, also those that are not rendered. */
	readonly ids: readonly string[];
	/** What the list shows, such as its filter: the keys begin at the first row of another one. */
	readonly list?: string;
	/** The row that is shown beside the list, from which the keys go on if the focus is in no row. */
	readonly open?: string | undefined;
	/** Called with the row that the focus has moved to. */
	readonly onRow?: (id: string) => void;
	/** Null or omitted if rows cannot be selected. */
	readonly onSelect?: ((id: string) => void) | null;
}

/** Gives the focus to a row, or to the title of the screen if the row is not there. */
export function focusRow(id: string | undefined): void {
	const row = id === undefined ? null : linkOf(id);
	(row ?? document.querySelector<HTMLElement>("#content h1"))?.focus({ preventScroll: true });
}

/** Returns the row from which the keys go on, if there is one. Give it to the table, which renders it wherever it is. */
export function useTriageKeys({ ids, list = "", open, onRow, onSelect }: TriageKeys): string | null {
	const [at, setAt] = useState<{ readonly list: string; readonly id: string } | null>(null);
	const current = at?.list === list ? at.id : null;
	/** Where the current row is in the list, or was before it left. */
	const place = useRef(0);
	useLayoutEffect(() => {
		place.current = 0;
	}, [list]);
	/** A row that gets the focus as soon as it is rendered. */
	const wanted = useRef<string | null>(null);
	const focused = useFocusedRow((id) => setAt({ list, id }));
	const focusWanted = () => {
		const link = wanted.current === null ? null : linkOf(wanted.current);
		if (link === null) return;
		wanted.current = null;
		link.focus();
	};
	useLayoutEffect(() => {
		const index = current === null ? -1 : ids.indexOf(current);
		if (index !== -1) place.current = index;
		focusWanted();
		// The link was made anew, for example since rows were put above it, or its row has left the list.
		const isLost = focused.current?.isConnected === false && document.activeElement === document.body;
		if (isLost && current !== null) focusRow(current);
	});
	const move = (by: 1 | -1) => {
		const from = rowOf(document.activeElement) ?? open ?? current;
		const index = from === null ? -1 : ids.indexOf(from);
		// Where the row was that has left the list, the next one is now.
		const next = from === null ? 0 : index !== -1 ? index + by : by === 1 ? place.current : place.current - 1;
		const id = ids[Math.min(ids.length - 1, Math.max(0, next))];
		if (id === undefined) return;
		wanted.current = id;
		setAt({ list, id });
		focusWanted();
		onRow?.(id);
	};
	useShortcuts({
		j: () => move(1),
		k: () => move(-1),
		x: () => {
			const id = rowOf(document.activeElement) ?? open;
			// What is beside the list may have left it.
			if (id !== undefined && ids.includes(id)) onSelect?.(id);
		},
	});
	return current;
}

/** The link of a row that has the focus, or had it until it left the document. Calls `onFocus` with the row that gets it. */
function useFocusedRow(onFocus: (id: string) => void) {
	const focused = useRef<HTMLElement | null>(null);
	const tell = useEffectEvent(onFocus);
	useEffect(() => {
		const onFocusIn = ({ target }: FocusEvent) => {
			const id = rowOf(target);
			focused.current = id !== undefined && target instanceof HTMLElement ? target : null;
			if (id !== undefined) tell(id);
		};
		// Somebody has clicked beside it, unless it is leaving the document now.
		const onFocusOut = ({ target }: FocusEvent) =>
			queueMicrotask(() => {
				const isLeft = focused.current === target && focused.current?.isConnected === true;
				if (isLeft && document.activeElement !== target) focused.current = null;
			});
		document.addEventListener("focusin", onFocusIn);
		document.addEventListener("focusout", onFocusOut);
		return () => {
			document.removeEventListener("focusin", onFocusIn);
			document.removeEventListener("focusout", onFocusOut);
		};
	}, []);
	return focused;
}

function linkOf(id: string): HTMLElement | null {
	return document.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`);
}

/** The row that an element is in, such as its link or its check box. */
function rowOf(target: EventTarget | null): string | undefined {
	const row = target instanceof HTMLElement ? target.closest("[role=row]") : null;
	return row?.querySelector<HTMLElement>("[data-row]")?.dataset["row"];
}
