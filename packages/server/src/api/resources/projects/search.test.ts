// Searching projects over HTTP: pages, the text that is looked for, and keys that open one project only.
import { describe, expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

describe("the search of projects", () => {
	it("has pages, newest first, and finds names in upper or lower case", async () => {
		const { call, project } = await caller();
		const names = ["Shop production", "Shop staging", "Billing"];
		for (const name of names) await call("POST", "/workspace/projects", { name });
		const search = async (query: string) => (await call("GET", `/projects?${query}`)).json;
		const found = async (query: string) => ((await search(query))["data"] as { name: string }[]).map(({ name }) => name);

		expect(await found("q=SHOP")).toEqual(["Shop staging", "Shop production"]);
		expect(await found(`q=${project.id.slice(8, 30)}`)).toEqual([project.name]);
		expect(await found("q=nothing")).toEqual([]);

		const seen: string[] = [];
		for (let page = ""; ;) {
			const { data, nextPage } = await search(`limit=1${page}`);
			seen.push(...(data as { name: string }[]).map(({ name }) => name));
			if (nextPage === null) break;
			page = `&page=${String(nextPage)}`;
		}
		expect(seen).toEqual([...names.toReversed(), project.name]);
	});

	it("shows a key of one project that project only", async () => {
		const { call, keys, project } = await caller();
		await call("POST", "/workspace/projects", { name: "Another" });
		const { json } = await call("GET", "/projects", undefined, { "secret-key": keys.projectRead });
		expect((json["data"] as { id: string }[]).map(({ id }) => id)).toEqual([project.id]);
	});

	it.each(["limit=0", "limit=1001", "page=x", `q=${"x".repeat(129)}`, "name=Shop"])("refuses %s", async (query) => {
		const { call } = await caller();
		expect((await call("GET", `/projects?${query}`)).status).toBe(400);
	});
});
