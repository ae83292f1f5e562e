// A list of letters in pages of three, which is fetched again after it has changed.
import { InfiniteQueryObserver, QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";

import { PageLoader } from "./page-loader.ts";
import { pagesQuery, rowsOf, type PageRequest } from "./pages.ts";

const PAGE_ROWS = 3;
const keyOf = (row: string) => row;
/** Later letters are older; what comes while the list is shown has capital letters, and is newer than all others. */
const dateOf = (row: string) => (/[A-Z]/.test(row) ? 200 : 0) - row.toLowerCase().charCodeAt(0);

/** A server that has these rows; a page begins after the row that its cursor names, also when that is gone. */
function serve(rows: string) {
	const server = { order: rows, rows, asked: [] as string[], scans: false };
	const load = async ({ page, before }: PageRequest) => {
		server.asked.push(page ?? (before === undefined ? "" : `before ${before}`));
		const after = page === null ? -1 : server.order.indexOf(page);
		const rest = Array.from(server.order)
			.slice(after + 1)
			.filter((row) => server.rows.includes(row) && (before === undefined || dateOf(row) < before));
		const data = rest.slice(0, PAGE_ROWS);
		return { data, nextPage: rest.length > data.length ? (data.at(-1) ?? null) : null, scannedTo: null };
	};
	return { server, load };
}

/** A list whose pages are all loaded, or only its first one. */
async function openList(rows: string, { keepsBack = false, isFirstOnly = false } = {}) {
	const { server, load } = serve(rows);
	const client = new QueryClient();
	const loader = new PageLoader();
	const options = pagesQuery<string>({ queryKey: ["letters"], load, keyOf, staleTime: Number.POSITIVE_INFINITY });
	const observer = new InfiniteQueryObserver(client, {
		...options,
		queryFn: (context) => loader.load<string>(context, { load, keyOf, dateOf: keepsBack ? dateOf : undefined }),
	});
	observer.subscribe(() => {});
	await (isFirstOnly ? observer.refetch() : observer.fetchNextPage());
	const more = async () => {
		while (observer.getCurrentResult().hasNextPage) await observer.fetchNextPage();
	};
	if (!isFirstOnly) await more();
	const shown = () => rowsOf(observer.getCurrentResult().data!, keyOf).join("");
	const again = async (near: string) => {
		server.asked.length = 0;
		loader.near.report(0, Array.from(near));
		await observer.refetch();
	};
	const pages = () => observer.getCurrentResult().data!.pages;
	const newer = () => pages()[0]!.newer.join("") + (pages()[0]!.hasMoreNewer ? "…" : "");
	return { server, loader, more, shown, again, pages, newer };
}

it("is asked for its first page and those near the window, and for nothing twice", async () => {
	const { server, shown, again } = await openList("abcdefghijkl");
	expect(shown()).toBe("abcdefghijkl");
	await again("h");
	expect([server.asked, shown()]).toEqual([["", "f"], "abcdefghijkl"]);
});

it.each<[name: string, order: string, gone: string, near: string, shown: string]>([
	["rows come before all others", "xyabcdefghijkl", "", "a", "xyabcdefghijkl"],
	["a page of rows comes before all others", "wxyzabcdefghijkl", "", "a", "wxyzabcdefghijkl"],
	["rows come into a later page, so that it ends with a new one", "abcdxyefghijkl", "", "d", "abcdxyefghijkl"],
	["more rows come into a later page than one has", "abcdvwxyzefghijkl", "", "d", "abcdvwxyzefghijkl"],
	["a row has gone", "abcdefghijkl", "b", "a", "acdefghijkl"],
	["a whole page has gone", "abcdefghijkl", "def", "a", "abcghijkl"],
	["the row has gone with which the next page began", "abcdefghijkl", "c", "d", "abdefghijkl"],
	["rows have come and gone", "xabcdyefghijkl", "c", "d", "xabdyefghijkl"],
	["all but one have gone", "abcdefghijkl", "abcdefghijk", "a", "l"],
])("has each row once and in order when %s", async (_, order, gone, near, expected) => {
	const { server, more, shown, again, pages } = await openList("abcdefghijkl");
	server.order = order;
	server.rows = Array.from(order)
		.filter((row) => !gone.includes(row))
		.join("");
	for (let time = 0; time < 3; time++) {
		await again(near);
		expect(server.asked.length).toBeLessThan(8);
		await again("abcdefghijklvwxyz");
		expect(shown()).toBe(expected);
		const loaded = pages().flatMap(({ data }) => data);
		expect(loaded).toEqual([...new Set(loaded)]);
	}
	await more();
	expect(shown()).toBe(expected);
});

it("goes on with what has come behind its end when somebody comes there", async () => {
	const { server, more, shown, again } = await openList("abcdefghijkl");
	server.order = "xabcdyefghijklmnopq";
	server.rows = server.order;
	await again("adl");
	await more();
	expect(shown()).toBe("xabcdyefghijklmnopq");
});

it("keeps what a search has found when it has looked as far again", async () => {
	const client = new QueryClient();
	const loader = new PageLoader();
	let time = 0;
	// Each answer has looked through a second, and ends somewhere else than before.
	const load = async ({ page }: PageRequest) => {
		const start = page === null ? 10_000 : Number(page);
		const scannedTo = start - 1_000 - time++;
		return { data: start === 10_000 ? ["a"] : [`of ${start}`], nextPage: String(scannedTo), scannedTo };
	};
	const options = pagesQuery<string>({ queryKey: ["search"], load, keyOf, staleTime: Number.POSITIVE_INFINITY });
	const observer = new InfiniteQueryObserver(client, {
		...options,
		queryFn: (context) => loader.load<string>(context, { load, keyOf }),
	});
	observer.subscribe(() => {});
	await observer.fetchNextPage();
	for (let n = 0; n < 3; n++) await observer.fetchNextPage();
	const before = rowsOf(observer.getCurrentResult().data!, keyOf);
	expect(before).toHaveLength(4);
	await observer.refetch();
	expect(rowsOf(observer.getCurrentResult().data!, keyOf)).toEqual(before);
});

describe("a list that keeps newer rows back", () => {
	it.each<[name: string, order: string, gone: string, newer: string, shown: string, asked: readonly string[]]>([
		["nothing has come", "abcdefgh", "", "", "abcdefgh", [""]],
		["rows have come", "XYabcdefgh", "", "XY", "abcdefgh", ["", "a"]],
		["the first row has gone, too", "XYabcdefgh", "a", "XY", "bcdefgh", ["", "b"]],
		["more have come than fit on a page", "VWXYZabcdefgh", "", "VWX…", "abcdefgh", ["", "before -96"]],
		["a row has come between others", "Xabcydefgh", "c", "X", "abydefgh", ["", "b"]],
		["all of the first page have gone", "Xabcdefgh", "abc", "X", "defgh", [""]],
	])("when %s", async (_, order, gone, newer, expected, asked) => {
		const list = await openList("abcdefgh", { keepsBack: true });
		list.server.order = order;
		list.server.rows = Array.from(order)
			.filter((row) => !gone.includes(row))
			.join("");
		for (let time = 0; time < 2; time++) {
			await list.again("a");
			expect([list.newer(), list.shown(), list.server.asked]).toEqual([newer, expected, asked]);
		}
		list.loader.wantNewest();
		await list.again("a");
		await list.more();
		expect([list.newer(), list.shown()]).toEqual(["", list.server.rows]);
		await list.again("a");
		expect([list.newer(), list.shown()]).toEqual(["", list.server.rows]);
	});

	it.each<[name: string, order: string, gone: string, newer: string, shown: string, asked: readonly string[]]>([
		["nothing has come", "abcdefgh", "", "", "abc", [""]],
		["rows have come", "XYabcdefgh", "", "XY", "abcd", ["", "a"]],
		["the last row has gone, too", "XYabcdefgh", "c", "XY", "abde", ["", "a"]],
		["a row has come between others", "Xabycdefgh", "", "X", "abycd", ["", "b"]],
		["more have come than fit on a page", "VWXYZabcdefgh", "", "VWX…", "abc", ["", "before -96"]],
		["the list ends", "XYabc", "", "XY", "abc", ["", "a"]],
	])(
		"and of which one page is loaded loses none of its rows when %s",
		async (_, order, gone, newer, expected, asked) => {
			const list = await openList("abcdefgh", { keepsBack: true, isFirstOnly: true });
			expect([list.shown(), list.pages().length]).toEqual(["abc", 1]);
			list.server.order = order;
			list.server.rows = Array.from(order)
				.filter((row) => !gone.includes(row))
				.join("");
			await list.again("a");
			expect([list.newer(), list.shown(), list.server.asked]).toEqual([newer, expected, asked]);
			// Nor does it become longer each time.
			for (let time = 0; time < 3; time++) await list.again("a");
			expect([list.newer(), list.shown()]).toEqual([newer, expected]);
			await list.more();
			expect(list.newer().slice(0, 3) + list.shown()).toBe(newer.slice(0, 3) + list.server.rows.replace(/^[A-Z]+/, ""));
		},
	);

	it("and of which one page is loaded loses none of its rows when more and more come", async () => {
		const list = await openList("abcdefgh", { keepsBack: true, isFirstOnly: true });
		for (const [order, newer, shown] of [
			["XYabcdefgh", "XY", "abcd"],
			["WXYabcdefgh", "WXY…", "abcdef"],
			["VWXYabcdefgh", "VWX…", "abcdef"],
		] as const) {
			list.server.order = order;
			list.server.rows = order;
			await list.again("a");
			expect([list.newer(), list.shown()]).toEqual([newer, shown]);
		}
	});

	it("shows what has come to a list that is empty, or has become so", async () => {
		const list = await openList("ab", { keepsBack: true });
		list.server.order = "XY";
		list.server.rows = "XY";
		await list.again("a");
		expect([list.newer(), list.shown()]).toEqual(["", "XY"]);
		const empty = await openList("", { keepsBack: true });
		empty.server.order = "X";
		empty.server.rows = "X";
		await empty.again("");
		expect([empty.newer(), empty.shown()]).toEqual(["", "X"]);
	});
});
