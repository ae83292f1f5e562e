// Lists: awaiting one page, iterating over all pages.
import { expect, it } from "vitest";

import { NotFoundError, UnexpectedResponseError } from "../src/index.ts";
import { json, PROJECT_ID, ScriptedServer, testClient, wireEvent } from "./scripted-server.ts";

const page = (ids: number[], nextPage: string | null, prevPage: string | null = null) =>
	json(200, { nextPage, prevPage, data: ids.map(wireEvent) });
const base = `/projects/${PROJECT_ID}/events`;

const idsOf = (list: AsyncIterable<{ readonly id: string }>): Promise<string[]> =>
	Array.fromAsync(list, ({ id }) => id);

it("awaits one page", async () => {
	await using server = await ScriptedServer.start(page([1, 2], "n", "p"));
	const list = await testClient(server).client.project(PROJECT_ID).events.list({ limit: 2 });
	const whole = { nextPage: "n", prevPage: "p", data: [wireEvent(1), wireEvent(2)], scannedTo: null };
	expect(list).toEqual(whole);
	expect(JSON.parse(JSON.stringify(list))).toEqual(whole);
});

it("iterates over all pages with the same filter, empty pages included", async () => {
	await using server = await ScriptedServer.start(page([1, 2], "b"), page([], "c"), page([3], null));
	const { events } = testClient(server).client.project(PROJECT_ID);

	expect(await idsOf(events.list({ limit: 2, type: "order.paid" }))).toEqual(["evt_1", "evt_2", "evt_3"]);
	expect(server.requests.map(({ url }) => url)).toEqual([
		`${base}?limit=2&type=order.paid`,
		`${base}?limit=2&type=order.paid&page=b`,
		`${base}?limit=2&type=order.paid&page=c`,
	]);
});

it("continues after a page that was awaited, without requesting it again", async () => {
	await using server = await ScriptedServer.start(page([3], "c"), page([4], null));
	const fetched = await testClient(server).client.project(PROJECT_ID).events.list({ page: "b" });

	expect(await idsOf(fetched)).toEqual(["evt_3", "evt_4"]);
	expect(server.requests.map(({ url }) => url)).toEqual([`${base}?page=b`, `${base}?page=c`]);
});

it("requests no page that nobody reads", async () => {
	await using server = await ScriptedServer.start(page([1, 2], "b"));
	const { events } = testClient(server).client.project(PROJECT_ID);
	const list = events.list();
	expect(server.requests).toEqual([]);

	for await (const event of list) if (event.id === "evt_2") break;

	expect(server.requests).toHaveLength(1);
});

it("sends one request however often it is awaited", async () => {
	await using server = await ScriptedServer.start(page([1], null));
	const list = testClient(server).client.project(PROJECT_ID).events.list();
	const seen: string[] = [];

	expect(await list.finally(() => seen.push("finally"))).toBe(await list);
	expect(await Promise.all([list, idsOf(list)])).toHaveLength(2);
	expect(seen).toEqual(["finally"]);
	expect(server.requests).toHaveLength(1);
});

it("fails when a cache returns the same page again and again", async () => {
	const same = page([1], "b");
	await using server = await ScriptedServer.start(same, same, same);
	const { events } = testClient(server).client.project(PROJECT_ID);
	await expect(idsOf(events.list())).rejects.toBeInstanceOf(UnexpectedResponseError);
	expect(server.requests).toHaveLength(2);
});

it("rejects like any call", async () => {
	const gone = json(404, { message: "No such project.", code: "project_not_found" });
	await using server = await ScriptedServer.start(gone, gone, page([1], "b"), gone);
	const { events } = testClient(server).client.project(PROJECT_ID);

	await expect(events.list()).rejects.toBeInstanceOf(NotFoundError);
	expect(await events.list().catch((error: unknown) => error)).toBeInstanceOf(NotFoundError);
	await expect(idsOf(events.list())).rejects.toBeInstanceOf(NotFoundError);
});

it.each([
	null,
	[],
	{},
	{ data: [] },
	{ data: {}, nextPage: null, prevPage: null },
	{ data: [], nextPage: 7, prevPage: null },
	{ data: [null], nextPage: null, prevPage: null },
])("does not accept %j as a page", async (answer) => {
	await using server = await ScriptedServer.start(json(200, answer));
	await expect(testClient(server).client.project(PROJECT_ID).events.list()).rejects.toBeInstanceOf(
		UnexpectedResponseError,
	);
});

it.each([Number.NaN, 1.5, new Date("nonsense"), "2026-11-24", null, {}])("refuses %s as a time", async (time) => {
	const after = time as number;
	await using server = await ScriptedServer.start();
	const { events } = testClient(server).client.project(PROJECT_ID);
	expect(() => events.list({ after })).toThrow(/^after must be a valid Date or integer milliseconds/);
});
