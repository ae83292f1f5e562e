// A list of letters in pages of three, which is fetched again after it has changed.
import { InfiniteQueryObserver, QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";

import { PageLoader } from "./page-loader.ts";
import { pagesQuery, rowsOf, type PageRequest } from "./pages.ts";

const PAGE_ROWS = 3;
const keyOf = (row: string) => row;

/** A server that has these rows; a page begins after the row that its cursor names, also when that is gone. */
function serve(rows: string) {
	const server = { order: rows, rows, asked: [] as string[], scans: false };
	const load = async ({ page }: PageRequest) => {
		server.asked.push(page ?? "");
		const after = page === null ? -1 : server.order.indexOf(page);
		const rest = Array.from(server.order)
			.slice(after + 1)
			.filter((row) => server.rows.includes(row));
		const data = rest.slice(0, PAGE_ROWS);
		return { data, nextPage: rest.length > data.length ? (data.at(-1) ?? null) : null, scannedTo: null };
	};
	return { server, load };
}

/** A list whose pages are all loaded. */
async function openList(rows: string) {
	const { server, load } = serve(rows);
	const client = new QueryClient();
	const loader = new PageLoader();
	const options = pagesQuery<string>({ queryKey: ["letters"], load, keyOf, staleTime: Number.POSITIVE_INFINITY });
	const observer = new InfiniteQueryObserver(client, {
		...options,
		queryFn: (context) => loader.load<string>(context, { load, keyOf }),
	});
	observer.subscribe(() => {});
	await observer.fetchNextPage();
	const more = async () => {
		while (observer.getCurrentResult().hasNextPage) await observer.fetchNextPage();
	};
	await more();
	const shown = () => rowsOf(observer.getCurrentResult().data!, keyOf).join("");
	const again = async (near: string) => {
		server.asked.length = 0;
		loader.near.report(0, Array.from(near));
		await observer.refetch();
	};
	return { server, more, shown, again, pages: () => observer.getCurrentResult().data!.pages };
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
