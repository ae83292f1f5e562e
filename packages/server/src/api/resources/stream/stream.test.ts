// The live stream over HTTP: its format, filters and ends.
import { describe, expect, it, vi } from "vitest";

import type { LiveHub } from "../../../engine/live/live-hub.ts";
import { openTestEngine } from "../../../engine/test/test-engine.ts";
import { expectRefusals } from "../../test/answers.ts";
import { caller, callerAlone, type Caller } from "../../test/caller.ts";
import { testApiOn } from "../../test/test-api.ts";

const WEBHOOK_ID = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";

function open({ app, keys, project }: Caller, query = "", headers: Record<string, string> = {}) {
	return app.request(`/projects/${project.id}/stream${query}`, { headers: { "secret-key": keys.read, ...headers } });
}

async function reading(response: Response): Promise<{ next: () => Promise<string>; cancel: () => Promise<void> }> {
	const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
	return {
		next: async () => (await reader.read()).value ?? "",
		cancel: () => reader.cancel(),
	};
}

describe("the stream", () => {
	it("sends server-sent events, with ids from which a client can continue", async () => {
		const api = await caller();
		const hub = api.engine.live as LiveHub;
		const response = await open(api);
		expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
		expect(response.headers.get("x-accel-buffering")).toBe("no");
		expect(response.headers.get("cache-control")).toBe("no-store");
		const stream = await reading(response);
		expect(await stream.next()).toMatch(/^retry: 2000\n: heartbeat\nid: [0-9a-f]{16}-0\n\n$/);
		hub.publish(api.project.id, { kind: "event.accepted", eventId: "evt_1", eventType: "a\nb", deliveryCount: 2 });
		hub.publish(api.project.id, { kind: "webhook.updated", webhookId: "w", status: "Paused", reason: null });
		let text = "";
		while (!text.includes("webhook.updated")) text += await stream.next();
		const [first = "", second = "", end] = text.split("\n\n");
		const [id, event, data = ""] = first.split("\n");
		expect([id, event]).toEqual([expect.stringMatching(/^id: [0-9a-f]{16}-1$/), "event: event.accepted"]);
		expect(JSON.parse(data.slice("data: ".length))).toEqual({
			object: "streamItem",
			id: id?.slice(4),
			kind: "event.accepted",
			projectId: api.project.id,
			date: expect.any(Number),
			eventId: "evt_1",
			eventType: "a\nb",
			deliveryCount: 2,
		});
		expect([second, end]).toEqual([expect.stringContaining("event: webhook.updated\n"), ""]);
	});

	it("continues after Last-Event-ID, or reports a gap", async () => {
		const api = await caller();
		const hub = api.engine.live as LiveHub;
		const start = await (await reading(await open(api))).next();
		const lastId = /id: (\S+)/.exec(start)?.[1] ?? "";
		hub.publish(api.project.id, { kind: "event.accepted", eventId: "evt_1", eventType: "a", deliveryCount: 0 });
		expect(await (await reading(await open(api, "", { "last-event-id": lastId }))).next()).toContain("evt_1");
		const unknown = await (await reading(await open(api, "", { "last-event-id": "0123456789abcdef-7" }))).next();
		expect(unknown).toMatch(
			/id: \S+\nevent: gap\ndata: \{"object":"streamItem","kind":"gap","reason":"the stream has restarted/,
		);
	});

	it("reads its filters, and refuses values that they can't have", async () => {
		const api = await caller();
		using subscribe = vi.spyOn(api.engine.live, "subscribe");
		const all = { kinds: null, customerId: null, webhookId: null, eventTypes: null };
		for (const [query, filter] of [
			["", all],
			["?kinds=event.accepted,webhook.updated", { ...all, kinds: ["event.accepted", "webhook.updated"] }],
			[
				`?customerId=c%3A1&webhookId=${WEBHOOK_ID}&eventTypes=order.*%2Ca.b&`,
				{ ...all, customerId: "c:1", webhookId: WEBHOOK_ID, eventTypes: ["order.*", "a.b"] },
			],
		] as const) {
			await (await open(api, query)).body?.cancel();
			expect(subscribe.mock.lastCall?.[0].filter).toEqual(filter);
		}
		const kinds = /must be a list of event.accepted, attempt.finished.*, got "nothing"$/;
		const types = `eventTypes=${Array.from({ length: 101 }, () => "a").join(",")}`;
		await expectRefusals(api, [
			["GET ./stream?kinds=event.accepted,nothing", "kinds", kinds],
			["GET ./stream?kinds=event.acepted", "kinds", /got "event.acepted" \(did you mean "event.accepted"\?\)$/],
			["GET ./stream?kinds=", "kinds", /must be/],
			["GET ./stream?eventTypes=a..b", "eventTypes", /names of event types/],
			[`GET ./stream?${types}`, "eventTypes", /at most 100/],
			["GET ./stream?webhookId=x", "webhookId", /must be an id/],
			["GET ./stream?customerId=*", "customerId", /must/],
			["GET ./stream?since=5", "since", /not a known field/],
			["GET ./stream/items?limit=0", "limit"],
			["GET ./stream/items?limit=1001", "limit"],
			[`GET ./stream/items?lastEventId=${"x".repeat(65)}`, "lastEventId"],
			["GET ./stream/items?lastEventId=nonsense", "lastEventId"],
			["GET ./stream/items?kinds=nothing", "kinds"],
			["GET ./stream/items?page=x", "page"],
		]);
	});

	it("is that of its customer for a customer's token, which can name no other, and shows nobody whom an event is for", async () => {
		const api = await caller();
		const hub = api.engine.live as LiveHub;
		const token = { "secret-key": await api.tokenOf("acme") };
		for (const path of ["stream", "stream/items"]) {
			const refused = await api.call("GET", `./${path}?customerId=globex`, undefined, token);
			expect(refused).toMatchObject({ status: 404, json: { code: "customer_not_found" } });
		}
		const own = await reading(await open(api, "?customerId=acme", token));
		const ofKey = await reading(await open(api, "?customerId=acme"));
		for (const stream of [own, ofKey]) await stream.next();
		const event = { kind: "event.accepted", eventId: "evt_1", eventType: "a", deliveryCount: 1 } as const;
		hub.publishTo(api.project.id, "acme", event);
		hub.publish(api.project.id, event, ["acme", "globex"]);
		for (const stream of [own, ofKey]) {
			const text = await stream.next();
			expect(text).toContain("evt_1");
			expect(text).not.toMatch(/globex|customers/);
		}
	});

	it("counts for the page if it is opened in a session, and for programs if it is opened with a key", async () => {
		// Programs have two places, of which a project has one, and the page has one.
		await using test = await openTestEngine({ limits: { maxStreams: 2 } });
		const { app, keys, project } = await testApiOn(test, test.engine.projects.get(test.scope));
		const signedIn = await app.request("/sessions", {
			method: "POST",
			headers: { "content-type": "application/json", "fanfare-page": "1" },
			body: JSON.stringify({ key: keys.read }),
		});
		const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
		const ask = (headers: Record<string, string>) => app.request(`/projects/${project.id}/stream`, { headers });
		const [program, page] = [{ "secret-key": keys.read }, { cookie, "fanfare-page": "1" }];
		const opened = [await ask(program), await ask(page)];
		expect(opened.map(({ status }) => status)).toEqual([200, 200]);
		expect([(await ask(program)).status, (await ask(page)).status]).toEqual([503, 503]);
		for (const response of opened) await response.body?.cancel();
		const again = [await ask(page), await ask(program)];
		expect(again.map(({ status }) => status)).toEqual([200, 200]);
		for (const response of again) await response.body?.cancel();
	});

	it("refuses a Last-Event-ID that no stream can have given, and begins now with an empty one", async () => {
		const api = await caller();
		const refused = await open(api, "", { "last-event-id": "nonsense" });
		expect([refused.status, await refused.json()]).toMatchObject([
			400,
			{ code: "invalid_request", issues: [{ path: "Last-Event-ID", message: expect.stringContaining("omit it") }] },
		]);
		const empty = await reading(await open(api, "", { "last-event-id": "" }));
		expect(await empty.next()).toContain(": heartbeat");
	});

	it("forgets a client that disconnects, and opens no stream for HEAD", async () => {
		const api = await caller();
		for (let n = 0; n < 60; n++) {
			const stream = await reading(await open(api));
			await stream.next();
			await stream.cancel();
			expect((await api.call("HEAD", "./stream")).status).toBe(200);
		}
	});

	it("is refused with 503 and Retry-After when the project has its share, and polling goes on at the same place", async () => {
		const api = await callerAlone();
		const streams: Response[] = [];
		let response = await open(api);
		for (; response.status === 200; response = await open(api)) streams.push(response);
		expect(streams).toHaveLength(500);
		expect([response.status, response.headers.get("retry-after")]).toEqual([503, "30"]);
		expect(await response.json()).toMatchObject({
			code: "too_many_streams",
			message: expect.stringContaining("stream/items"),
		});
		const first = await api.call("GET", "./stream/items");
		const { lastEventId } = first.json as { lastEventId: string };
		expect(first.json).toEqual({ object: "streamItems", data: [], lastEventId: expect.any(String), hasMore: false });
		// Empty is none, as in the header of a stream.
		expect(await api.call("GET", "./stream/items?lastEventId=")).toMatchObject({ status: 200, json: { data: [] } });
		const hub = api.engine.live as LiveHub;
		for (const eventId of ["evt_1", "evt_2"])
			hub.publish(api.project.id, { kind: "event.accepted", eventId, eventType: "a", deliveryCount: 2 });
		const { json } = await api.call("GET", `./stream/items?lastEventId=${lastEventId}&limit=1&kinds=event.accepted`);
		expect(json).toMatchObject({ data: [{ object: "streamItem", eventId: "evt_1" }], hasMore: true });
		const gap = await api.call("GET", "./stream/items?lastEventId=0123456789abcdef-7");
		expect(gap.json["data"]).toMatchObject([{ kind: "gap", reason: expect.stringContaining("has restarted") }, {}, {}]);
		for (const { body } of streams) await body?.cancel();
	});

	it("ends with the reason when the client is too slow", async () => {
		const api = await caller();
		const hub = api.engine.live as LiveHub;
		const response = await open(api);
		// The hub keeps the last 10,000 items of a project.
		for (let n = 0; n < 10_002; n++)
			hub.publish(api.project.id, { kind: "webhook.updated", webhookId: "w", status: "Paused", reason: null });
		expect(await response.text()).toBe(
			'retry: 2000\nevent: dropped\ndata: {"object":"streamItem","kind":"dropped","reason":"the client reads more slowly than new items arrive"}\n\n',
		);
	});

	it("ends with the reason when the server stops", async () => {
		const api = await callerAlone();
		const stream = await reading(await open(api));
		await stream.next();
		const stopped = api.engine.stop();
		expect(await stream.next()).toBe(
			'event: end\ndata: {"object":"streamItem","kind":"end","reason":"the server is shutting down"}\n\n',
		);
		expect(await stream.next()).toBe("");
		await stopped;
	});
});
