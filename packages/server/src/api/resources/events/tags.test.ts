// Tags of events: as they are sent, shown, repeated and found.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { expectRefusals, rowsOf } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

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

	it("are refused if they are too many or too long, or have other characters", async () => {
		const api = await caller();
		const characters = /1–64 of the characters/;
		const rows: readonly [tags: unknown, path: string, message: RegExp][] = [
			[["a", "b", "a"], "tags.2", /same as entry 0/],
			[["1", "2", "3", "4", "5", "6"], "tags", /at most 5 entries, got 6/],
			["order:1", "tags", /an array.*got a string/],
			[[7], "tags.0", /a string, got a number/],
			[[""], "tags.0", characters],
			[["x".repeat(65)], "tags.0", characters],
			[["a b"], "tags.0", characters],
			[["a,b"], "tags.0", characters],
			[["=1+1"], "tags.0", /begin with a letter or a digit/],
			[["a\n"], "tags.0", characters],
			[["é"], "tags.0", characters],
			[{ order: 1 }, "tags", /an array/],
		];
		await expectRefusals(
			api,
			rows.map(([tags, ...said]) => ["POST ./events", ...said, { type: "a", data: 1, tags }]),
		);
		expect(await api.accepted()).toEqual([]);
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
