// The live stream over HTTP: its format, filters and ends.
import { describe, expect, it, vi } from "vitest";

import type { LiveHub } from "../../../engine/live/live-hub.ts";
import { caller, callerAlone, type Caller } from "../../test/caller.ts";

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
		const unknown = await (await reading(await open(api, "", { "last-event-id": "nonsense" }))).next();
		expect(unknown).toMatch(
			/id: \S+\nevent: gap\ndata: \{"object":"streamItem","kind":"gap","reason":"the stream has restarted/,
		);
	});

	it.each<[string, object]>([
		["", { kinds: null, webhookId: null, eventTypes: null }],
		[
			"?kinds=event.accepted,webhook.updated",
			{ kinds: ["event.accepted", "webhook.updated"], webhookId: null, eventTypes: null },
		],
		[
			`?webhookId=${WEBHOOK_ID}&eventTypes=order.*%2Ca.b&`,
			{ kinds: null, webhookId: WEBHOOK_ID, eventTypes: ["order.*", "a.b"] },
		],
	])("reads its filters from %j", async (query, filter) => {
		const api = await caller();
		using subscribe = vi.spyOn(api.engine.live, "subscribe");
		await (await open(api, query)).body?.cancel();
		expect(subscribe.mock.calls.map(([request]) => request.filter)).toEqual([filter]);
	});

	it.each([
		["kinds=event.accepted,nothing", "kinds", /must be a list of event.accepted, attempt.finished/],
		["kinds=", "kinds", /must be/],
		["eventTypes=a..b", "eventTypes", /names of event types/],
		[`eventTypes=${Array.from({ length: 101 }, () => "a").join(",")}`, "eventTypes", /at most 100/],
		["webhookId=x", "webhookId", /must be an id/],
		["since=5", "since", /not a known field/],
	])("refuses ?%s", async (query, path, message) => {
		const { call } = await caller();
		const { status, json } = await call("GET", `./stream?${query}`);
		expect([status, json["issues"]]).toEqual([400, [{ path, message: expect.stringMatching(message) }]]);
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

	it("is refused with 503 and Retry-After when too many clients are connected", async () => {
		const api = await caller();
		for (let n = 0; n < 25; n++) expect((await open(api)).status).toBe(200);
		const response = await open(api);
		expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
		expect(await response.json()).toMatchObject({ code: "overloaded" });
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
