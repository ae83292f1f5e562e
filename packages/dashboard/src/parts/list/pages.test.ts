// Where a page that was fetched again ends.
import { expect, it } from "vitest";

import { fitted, type ListPage, type LoadedPages } from "./pages.ts";

const KEYS = { askedAt: 1, newestAt: 1, scannedTo: null };

/** A page with a row for each letter; the next one begins after the last. */
const page = (letters: string, nextPage: string | null = `after ${letters.at(-1)}`): ListPage<string> => ({
	...KEYS,
	data: Array.from(letters),
	nextPage,
});

const loaded: LoadedPages<string> = {
	pages: [page("abc"), page("def"), page("ghi")],
	pageParams: [null, "after c", "after f"],
};

it.each<[name: string, index: number, fetched: ListPage<string>, data: string, nextPage: string | null]>([
	["is kept as it is if nothing has changed", 1, page("def"), "def", "after f"],
	["leaves out rows of the next page that came for one that is gone", 0, page("acd"), "ac", "after c"],
	["leaves out rows of a later page that came for a whole one that is gone", 0, page("cgh"), "c", "after f"],
	["keeps the rows that new ones have pushed over its end", 0, page("xya"), "xyabc", "after c"],
	["goes on by itself if all of its rows are new", 0, page("xyz"), "xyz", "after z"],
	["meets the loaded first page", 0, page("zab"), "zabc", "after c"],
	["is the last one if nothing comes after it", 1, page("d", null), "d", null],
	["may have no row", 2, page("", null), "", null],
])("a page that was fetched again %s", (_, index, fetched, data, nextPage) => {
	expect(fitted(fetched, index, loaded, (row) => row)).toEqual({ ...fetched, data: Array.from(data), nextPage });
});
