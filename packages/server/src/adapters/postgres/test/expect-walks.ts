// Walks through the pages of a list in both directions, and compares what they have with what there is.
import { expect } from "vitest";

import { decodeCursor, pageCursors, type Page, type PageRequest } from "../../../core/page.ts";

interface ExpectedWalk {
	readonly kind: "dlv" | "evt" | "change";
	/** All ids, newest first. */
	readonly expected: readonly string[];
	/** The pages after which a walk is given up. */
	readonly most: number;
}

/** Walks from page to page, to the oldest row and from there to the newest. Pages may end early. */
export async function expectWalks(
	read: (page: PageRequest) => Promise<Page<{ readonly id: string }>>,
	{ kind, expected, most }: ExpectedWalk,
): Promise<void> {
	const first = "00000000-0000-7000-8000-000000000000";
	const ends = { dlv: `dlv_${first}`, evt: `evt_${first}`, change: `0.dlv_${first}` };
	for (const direction of ["older", "newer"] as const) {
		const found: string[] = [];
		let cursor: PageRequest["cursor"] = direction === "older" ? null : { direction, id: ends[kind] };
		for (let pages = 0; pages < most; pages++) {
			const request = { limit: 15, cursor };
			const page = await read(request);
			const ids = page.rows.map(({ id }) => id);
			found.push(...(direction === "older" ? ids : ids.toReversed()));
			const { nextPage, prevPage } = pageCursors(page, request);
			const next = direction === "older" ? nextPage : prevPage;
			if (next === null) break;
			const place = decodeCursor(next, () => true);
			if (cursor?.id === place.id) throw new Error("the list does not get on");
			cursor = place;
		}
		expect(direction === "older" ? found : found.toReversed()).toEqual(expected);
	}
}
