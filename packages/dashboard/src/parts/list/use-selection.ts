// Which rows of a list are selected. What is done with them is done only with those that the list shows.
import { useEffect, useEffectEvent, useState } from "react";

import { useToast } from "../feedback/toasts.tsx";
import { count, counted } from "../text/format.ts";

interface SelectionOptions {
	/** What the list shows, such as its filter: another list has no selection yet. */
	readonly list: string;
	/** The rows that are loaded. */
	readonly ids: readonly string[];
	/** What a row is called, and several of them. */
	readonly words: readonly [one: string, many: string];
	/** No more can be selected than this. */
	readonly most: number;
}

export interface Selection {
	/** The selected rows that the list shows. */
	readonly selected: ReadonlySet<string>;
	/** How many were selected that the list does not show any more. */
	readonly goneCount: number;
	readonly toggle: (id: string) => void;
	/** Whether all rows that are loaded are selected. */
	readonly isAll: boolean;
	/** Selects all that are loaded, or the first ones of too many; none if no more can be selected. */
	readonly toggleAll: () => void;
	/** Selects none of those that were selected when this was returned. What was selected since then stays so. */
	readonly clear: () => void;
	/** Selects these no longer, if they are rows of the same list as when this was returned. */
	readonly deselect: (ids: ReadonlySet<string>) => void;
}

const NONE: ReadonlySet<string> = new Set();

export function useSelection({ list, ids, words: [one, many], most }: SelectionOptions): Selection {
	const toast = useToast();
	/** Of which list rows are selected, which, and how many of the list before it were. */
	const [chosen, setChosen] = useState({ list, ids: NONE, dropped: 0 });
	if (chosen.list !== list) setChosen({ list, ids: NONE, dropped: chosen.ids.size });
	const { dropped } = chosen;
	const tell = useEffectEvent(() => {
		if (dropped === 0) return;
		toast(`${counted(dropped, `${one} is`, `${many} are`)} no longer selected: the list is another one`);
	});
	useEffect(() => tell(), [chosen.list]);
	const selected = chosen.ids.size === 0 ? NONE : new Set(ids.filter((id) => chosen.ids.has(id)));
	const select = (change: (ids: ReadonlySet<string>) => ReadonlySet<string>) =>
		setChosen((chosen) => ({ ...chosen, ids: change(chosen.ids) }));
	const isAll = selected.size > 0 && selected.size === ids.length;
	const isFull = chosen.ids.size >= most;
	const deselect = (gone: ReadonlySet<string>) =>
		setChosen((now) => {
			if (now.list !== list) return now;
			return { ...now, ids: new Set([...now.ids].filter((id) => !gone.has(id))) };
		});
	const tellMost = () => toast(`No more than ${count(most)} ${many} can be selected`);
	return {
		selected,
		goneCount: chosen.ids.size - selected.size,
		toggle: (id) => {
			if (isFull && !chosen.ids.has(id)) tellMost();
			select((ids) => toggledIn(ids, id, most));
		},
		isAll,
		toggleAll: () => {
			const isNone = isAll || isFull;
			if (!isNone && ids.length > most) tellMost();
			select(() => (isNone ? NONE : new Set(ids.slice(0, most))));
		},
		clear: () => deselect(chosen.ids),
		deselect,
	};
}

/** With the id, or without it if it is there. */
function toggledIn(ids: ReadonlySet<string>, id: string, most: number): ReadonlySet<string> {
	const rest = [...ids].filter((other) => other !== id);
	if (rest.length < ids.size) return new Set(rest);
	return ids.size >= most ? ids : new Set([...ids, id]);
}
