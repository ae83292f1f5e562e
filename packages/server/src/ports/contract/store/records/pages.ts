// Reads whole lists page by page, for tests.
import { expect } from "vitest";

import type { Page, PageRequest } from "../../../../core/page.ts";
import { idsOf } from "./records.ts";

export type ReadPage = (request: PageRequest) => Promise<Page<{ readonly id: string }>>;

/** Reads all pages from the newest row on. Returns the ids on each. Any page may end early. */
export async function pagesOf(read: ReadPage, limit: number): Promise<string[][]> {
	return walk(read, limit, "older", null);
}

/**
 * Reads all pages to the oldest row, and from there back to the newest one, and expects both ways to find the same. Returns the ids on each page
 * of the first way.
 *
 * @param kind the prefix of the ids
 */
export async function pagesBothWays(read: ReadPage, limit: number, kind: string): Promise<string[][]> {
	const there = await walk(read, limit, "older", null);
	const back = await walk(read, limit, "newer", `${kind}_00000000-0000-7000-8000-000000000000`);
	expect(back.flat().toReversed()).toEqual(there.flat());
	return there;
}

async function walk(read: ReadPage, limit: number, direction: "older" | "newer", from: string | null) {
	const pages: string[][] = [];
	let cursor = from === null ? null : { direction, id: from };
	for (;;) {
		const page = await read({ limit, cursor });
		const ids = direction === "older" ? idsOf(page) : idsOf(page).toReversed();
		expect(ids.length).toBeLessThanOrEqual(limit);
		if (cursor === null) expect(page.hasNewer).toBe(false);
		pages.push(ids);
		const last = page.stoppedAt ?? ids.at(-1);
		if (!(direction === "older" ? page.hasOlder : page.hasNewer) || last === undefined) return pages;
		cursor = { direction, id: last };
	}
}
