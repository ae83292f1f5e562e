// The next page of a list, while something else is under way.
import { InfiniteQueryObserver, QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";

import { loadNext } from "./load-next.ts";

/** A list of pages without an end, of which each answer says how often the server was asked before. */
async function openList() {
	const client = new QueryClient();
	const calls: { readonly page: number; readonly signal: AbortSignal; readonly answer: () => void }[] = [];
	const options = {
		queryKey: ["list"],
		queryFn: ({ pageParam: page, signal }: { readonly pageParam: number; readonly signal: AbortSignal }) =>
			new Promise<string>((resolve) => {
				const text = `${page} of call ${calls.length}`;
				calls.push({ page, signal, answer: () => resolve(text) });
			}),
		initialPageParam: 0,
		getNextPageParam: (_: string, pages: readonly string[]) => pages.length,
		staleTime: Number.POSITIVE_INFINITY,
	};
	const observer = new InfiniteQueryObserver(client, options);
	const unsubscribe = observer.subscribe(() => {});
	calls[0]!.answer();
	await expect.poll(() => observer.getCurrentResult().status).toBe("success");
	const query = client.getQueryCache().find({ queryKey: ["list"] });
	const more = () => loadNext(query, (options) => observer.fetchNextPage(options));
	return { client, calls, more, unsubscribe, pages: () => observer.getCurrentResult().data?.pages };
}

it("lets a refetch that is under way come to its end, and is loaded then", async () => {
	const { client, calls, more, pages } = await openList();
	void client.invalidateQueries({ queryKey: ["list"] });
	const done = more();
	expect(calls.map(({ page }) => page)).toEqual([0, 0]);
	calls[1]!.answer();
	await expect.poll(() => calls.length).toBe(3);
	calls[2]!.answer();
	await done;
	expect(calls[1]!.signal.aborted).toBe(false);
	expect(pages()).toEqual(["0 of call 1", "1 of call 2"]);
	expect(client.getQueryState(["list"])?.isInvalidated).toBe(false);
});

it("is asked for again if a refetch has taken its place", async () => {
	const { client, calls, more, pages } = await openList();
	const done = more();
	await expect.poll(() => calls.length).toBe(2);
	void client.invalidateQueries({ queryKey: ["list"] });
	calls[2]!.answer();
	await expect.poll(() => calls.length).toBe(4);
	calls[3]!.answer();
	await done;
	expect(calls.map(({ page }) => page)).toEqual([0, 1, 0, 1]);
	expect(pages()).toEqual(["0 of call 2", "1 of call 3"]);
});

it("is not asked for when the list is gone", async () => {
	const { client, calls, more, unsubscribe } = await openList();
	void client.invalidateQueries({ queryKey: ["list"] });
	const done = more();
	unsubscribe();
	client.clear();
	await done;
	expect(calls.length).toBe(2);
});
