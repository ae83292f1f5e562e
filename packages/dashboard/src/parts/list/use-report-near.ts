// Tells which rows of a list are near the window, for a list that renders all of its rows.
import { useEffect, type RefObject } from "react";

import type { NearRows } from "./near-rows.ts";

const NEAR = "1000px 0px";

/** Reports the children of the element that are near the window: each is a row, with its key in `data-row`. `keys` are all of them. */
export function useReportNear(list: RefObject<HTMLElement | null>, near: NearRows, keys: readonly string[]): void {
	const all = keys.join(" ");
	useEffect(() => {
		const shown = new Set<string>();
		const look = (entries: readonly IntersectionObserverEntry[]) => {
			for (const { target, isIntersecting } of entries) {
				const key = target instanceof HTMLElement ? target.dataset["row"] : undefined;
				if (key === undefined) continue;
				if (isIntersecting) shown.add(key);
				else shown.delete(key);
			}
			near.report(0, [...shown]);
		};
		const observer = new IntersectionObserver(look, { rootMargin: NEAR });
		for (const row of list.current?.children ?? []) observer.observe(row);
		return () => observer.disconnect();
	}, [list, near, all]);
}
