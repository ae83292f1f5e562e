// Tags of events: as they are sent, shown, repeated and found.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { caller, type Answer } from "../../test/caller.ts";

function rowsOf({ json }: Answer): Answer["json"][] {
	return json["data"] as Answer["json"][];
}

describe("tags", () => {
	it("are shown with the event in every answer, and not at all if there are none", async () => {
		const { call } = await caller();
		const tags = ["order:4711", "region=eu", "a/b@c.d_e-f", "1", "x".repeat(64)];
		const sent = await call("POST", "./events", { type: "a", data: 1, tags });
		expect(sent).toMatchObject({ status: 202, json: { tags } });
		const id = sent.json["id"] as string;
		expect((await call("GET", `./events/${id}`)).json["tags"]).toEqual(tags);
		for (const without of [{}, { tags: null }, { tags: [] }]) {
			const { status, json } = await call("POST", "./events", { type: "b", data: 1, ...without });
			expect([status, json]).toEqual([202, expect.not.objectContaining({ tags: expect.anything() })]);
		}
		expect(rowsOf(await call("GET", "./events")).map((event) => event["tags"])).toEqual([
			undefined,
			undefined,
			undefined,
			tags,
		]);
	});

	it.each([
		[["a", "b", "a"], "tags.2", /same as entry 0/],
		[["1", "2", "3", "4", "5", "6"], "tags", /at most 5 entries, got 6/],
		["order:1", "tags", /an array.*got a string/],
		[[7], "tags.0", /a string, got a number/],
		[[""], "tags.0", /1–64 of the characters/],
		[["x".repeat(65)], "tags.0", /1–64 of the characters/],
		[["a b"], "tags.0", /1–64 of the characters/],
		[["a,b"], "tags.0", /1–64 of the characters/],
		[["=1+1"], "tags.0", /begin with a letter or a digit/],
		[["a\n"], "tags.0", /1–64 of the characters/],
		[["é"], "tags.0", /1–64 of the characters/],
		[{ order: 1 }, "tags", /an array/],
	])("refuse %j", async (tags, path, message) => {
		const { call, accepted } = await caller();
		const { status, json } = await call("POST", "./events", { type: "a", data: 1, tags });
		expect([status, json["code"]]).toEqual([400, "invalid_request"]);
		expect(json["issues"]).toContainEqual({ path, message: expect.stringMatching(message) });
		expect(await accepted()).toEqual([]);
	});

	it("belong to each event of a batch by itself", async () => {
		const { call } = await caller();
		const { json } = await call("POST", "./events:batch", {
			events: [
				{ type: "a", data: 1, tags: ["one"] },
				{ type: "a", data: 1, tags: ["two", "two"] },
				{ type: "a", data: 1 },
			],
		});
		expect(json["data"]).toMatchObject([
			{ status: 202, event: { tags: ["one"] } },
			{ status: 400, error: { issues: [{ path: "events.1.tags.1" }] } },
			{ status: 202, event: expect.not.objectContaining({ tags: expect.anything() }) },
		]);
	});

	it("are compared as a set when a send is repeated, and another set is a conflict", async () => {
		const { call } = await caller();
		const event = { type: "a", data: 1, idempotencyKey: "k" };
		const send = async (tags?: readonly string[]) => call("POST", "./events", { ...event, ...(tags && { tags }) });
		const first = await send(["b", "a"]);
		expect((await send(["a", "b"])).json).toMatchObject({ id: first.json["id"], duplicate: true, tags: ["b", "a"] });
		for (const tags of [undefined, [], ["a"], ["a", "b", "c"]]) {
			expect(await send(tags)).toMatchObject({ status: 409, json: { code: "idempotency_conflict" } });
		}
		const plain = { ...event, idempotencyKey: "plain" };
		await call("POST", "./events", plain);
		expect(await call("POST", "./events", { ...plain, tags: [] })).toMatchObject({
			status: 202,
			json: { duplicate: true },
		});
		expect((await call("POST", "./events", { ...plain, tags: ["a"] })).status).toBe(409);
	});

	it("find their events, together with other filters", async () => {
		const { call } = await caller();
		const send = async (type: string, tags: readonly string[]) =>
			(await call("POST", "./events", { type, data: 1, tags })).json["id"];
		const ids = [await send("a", ["order:1"]), await send("b", ["order:1", "x"]), await send("a", ["order:10"])];
		const find = async (query: string) => rowsOf(await call("GET", `./events?${query}`)).map(({ id }) => id);
		expect(await find("tag=order:1")).toEqual([ids[1], ids[0]]);
		expect(await find("tag=order%3A1&type=a")).toEqual([ids[0]]);
		expect(await find("tag=order:1&limit=1")).toEqual([ids[1]]);
		expect(await find("tag=order:")).toEqual([]);
		expect(await call("GET", "./events?tag=a,b")).toMatchObject({ status: 400, json: { issues: [{ path: "tag" }] } });
	});

	it("are in the live stream, and in no request to a receiver", async () => {
		await using receiver = await startReceiver();
		const api = await caller();
		const { json: start } = await api.call("GET", "./stream/items");
		await api.makeWebhook(receiver.url);
		await api.call("POST", "./events", { type: "a", data: 1, tags: ["order:1"] });
		await api.call("POST", "./events", { type: "a", data: 1 });
		await receiver.waitFor(2);
		const query = `kinds=event.accepted&lastEventId=${String(start["lastEventId"])}`;
		const items = rowsOf(await api.call("GET", `./stream/items?${query}`));
		expect(items.map((item) => item["tags"])).toEqual([["order:1"], undefined]);
		const { rawBody, headers } = receiver.requests[0] ?? {};
		expect(JSON.stringify([rawBody?.toString(), headers])).not.toContain("order:1");
	});
});
