// How far webhooks are looked for, and how often.
import type { ProjectHandle, Webhook } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { findWebhooks, searchAgainMs } from "./found.ts";

const { signal } = new AbortController();

/** A project of which each call finds so many, and goes on after it: the server stops where it has looked far enough. */
function projectOf(...pages: number[]) {
	const limits: (number | undefined)[] = [];
	const list = ({ limit, page = "0" }: { readonly limit?: number; readonly page?: string }) => {
		limits.push(limit);
		const index = Number(page);
		const data = Array.from({ length: pages[index] ?? 0 }, (_, row) => ({ id: `${index} ${row}` }) as Webhook);
		return Promise.resolve({ data, nextPage: index + 1 < pages.length ? String(index + 1) : null });
	};
	return { limits, project: { batch: { webhooks: { list } } } as unknown as ProjectHandle };
}

it.each([
	["all in one page", [2], 2, true],
	["as many as are wanted, and nothing after the page that ended early", [2, 0, 0], 2, true],
	["as many as are wanted, and one more later", [2, 0, 1], 2, false],
	["more in one page", [3], 2, false],
	["few on each page", [1, 0, 1], 2, true],
])("webhooks are looked for until it is known whether there are more: %s", async (_, pages, found, isWhole) => {
	const { project } = projectOf(...pages);
	const result = await findWebhooks(project, {}, { most: 2, signal });
	expect([result.webhooks.length, result.isWhole]).toEqual([found, isWhole]);
});

it("a call asks for no more than it may, nor than is missing", async () => {
	const { project, limits } = projectOf(1_000, 999, 1);
	expect((await findWebhooks(project, {}, { most: 2_000, signal })).isWhole).toBe(true);
	expect(limits).toEqual([1_000, 1_000, 2]);
});

it.each([
	[0, 3_000],
	[500, 10_000],
	[10_000, 50_000],
	// A search that the SDK has repeated for long.
	[90_000, 30_000],
])("a search that took %i ms is made again after %i ms", (tookMs, afterMs) => {
	expect(searchAgainMs(tookMs)).toBe(afterMs);
});
