// Searching projects over HTTP: pages, the text that is looked for, and keys that open one project only.
import { describe, expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

describe("the search of projects", () => {
	it("has pages, newest first, and finds names in upper or lower case", async () => {
		const { call, project } = await caller();
		for (const name of ["Shop production", "Shop staging", "Billing"])
			await call("POST", "/workspace/projects", { name });
		type Found = { readonly id: string; readonly name: string; readonly createDate: number };
		const search = async (query: string) => {
			const { json } = await call("GET", `/projects?${query}`);
			return { rows: json["data"] as Found[], nextPage: json["nextPage"] as string | null };
		};
		const found = async (query: string) => (await search(query)).rows.map(({ name }) => name);

		expect((await found("q=SHOP")).toSorted()).toEqual(["Shop production", "Shop staging"]);
		expect(await found(`q=${project.id.slice(8, 30)}`)).toEqual([project.name]);
		expect(await found("q=nothing")).toEqual([]);

		const seen: Found[] = [];
		for (let page: string | null = ""; page !== null;) {
			const { rows, nextPage } = await search(`limit=1${page}`);
			seen.push(...rows);
			page = nextPage === null ? null : `&page=${nextPage}`;
		}
		const { json } = await call("GET", "/workspace/projects");
		// Some are made in the same millisecond.
		const newestFirst = (a: Found, b: Found) => b.createDate - a.createDate || (a.id < b.id ? 1 : -1);
		expect(seen).toEqual((json as unknown as Found[]).toSorted(newestFirst));
	});

	it.each(["limit=0", "limit=1001", "page=x", `q=${"x".repeat(129)}`, "name=Shop"])("refuses %s", async (query) => {
		const { call } = await caller();
		expect((await call("GET", `/projects?${query}`)).status).toBe(400);
	});
});
