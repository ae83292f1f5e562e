// Replays over HTTP.
import { describe, expect, it } from "vitest";

import { caller } from "../../test/caller.ts";
import { apiRoutes } from "../table.ts";

async function withWebhook() {
	const api = await caller();
	const webhookId = await api.makeWebhook();
	return { ...api, webhookId, replay: `./batch/webhooks/${webhookId}:replay` };
}

function schemaOf(id: string, status: number) {
	return apiRoutes().find((route) => route.id === id)?.answers[status]?.schema;
}

describe("replaying", () => {
	it("replays by default all events that did not succeed, up to now", async () => {
		const { call, test, webhookId, replay, project } = await withWebhook();
		const { status, json } = await call("POST", replay, { since: 5 });
		expect(status).toBe(202);
		expect(json).toMatchObject({
			object: "replay",
			projectId: project.id,
			webhookId,
			status: "Running",
			since: 5,
			until: test.clock.now() + 1,
			outcomes: ["Failed", "Cancelled", "Missed"],
			eventTypes: null,
			missedEventTypes: null,
			scannedCount: 0,
			deliveryCount: 0,
			progress: 0,
			endDate: null,
		});
		expect(schemaOf("replayWebhook", 202)?.parse(json)).toEqual(json);
	});

	it("reads all fields, and treats null like an omitted field", async () => {
		const { call, test, replay } = await withWebhook();
		const asked = { since: 0, until: 9, status: ["Succeeded", "Missed"], eventTypes: ["a.b", "c.*"], dryRun: false };
		const { since, until, status: outcomes, eventTypes } = asked;
		expect(await call("POST", replay, asked)).toMatchObject({
			status: 202,
			json: { object: "replay", since, until, outcomes, eventTypes },
		});
		const nulls = { since: 0, until: null, status: null, eventTypes: null, dryRun: null };
		expect(await call("POST", replay, nulls)).toMatchObject({
			status: 202,
			json: { until: test.clock.now() + 1, outcomes: ["Failed", "Cancelled", "Missed"], eventTypes: null },
		});
	});

	it("only counts in a dry run", async () => {
		const { call, makeWebhook } = await caller();
		for (const type of ["a", "b", "c"]) await call("POST", "./events", { type, data: 1 });
		// The webhook is made after the events, so it has missed them.
		const replay = `./batch/webhooks/${await makeWebhook()}:replay`;
		const { status, json } = await call("POST", replay, { since: 5, dryRun: true });
		expect([status, json]).toEqual([200, { object: "replayEstimate", count: 3, complete: true }]);
		expect(schemaOf("replayWebhook", 200)?.parse(json)).toEqual(json);
		expect((await call("GET", "./replays")).json).toMatchObject({ data: [] });
	});

	it.each([
		[{}, "since", "is required"],
		[{ since: "yesterday" }, "since", /number/],
		[{ since: -1 }, "since", /at least 0/],
		[{ since: 5, until: 5 }, "until", "must be later than since"],
		[{ since: 5, status: [] }, "status", /at least 1/],
		[{ since: 5, status: ["Pending"] }, "status.0", /"Succeeded".*"Missed"/],
		[{ since: 5, status: ["Failed", "Failed"] }, "status.1", /same as entry 0/],
		[{ since: 5, eventTypes: [] }, "eventTypes", /at least 1/],
		[{ since: 5, eventTypes: ["*"] }, "eventTypes.0", /prefix/],
		[{ since: 5, dryRun: "yes" }, "dryRun", /true or false/],
		[{ since: 5, outcomes: ["Failed"] }, "outcomes", /not a known field/],
	])("refuses %j", async (body, path, message) => {
		const { call, replay } = await withWebhook();
		const { status, json } = await call("POST", replay, body);
		expect(status).toBe(400);
		expect(json["issues"]).toContainEqual({
			path,
			message: typeof message === "string" ? message : expect.stringMatching(message),
		});
		expect((await call("GET", "./replays")).json).toMatchObject({ data: [] });
	});
});

describe("replays", () => {
	it("are listed, all or only those of a webhook", async () => {
		const { call, replay, webhookId, makeWebhook } = await withWebhook();
		const other = await makeWebhook();
		const { json: first } = await call("POST", replay, { since: 5 });
		const { json: second } = await call("POST", `./batch/webhooks/${other}:replay`, { since: 5 });
		const list = async (query: string) => (await call("GET", `./replays${query}`)).json;
		expect(await list("")).toEqual({ nextPage: null, prevPage: null, data: [second, first] });
		expect(await list(`?webhookId=${webhookId}&limit=1&`)).toMatchObject({ data: [first] });
		expect((await call("GET", "./replays?webhookId=x")).status).toBe(400);
		expect(schemaOf("listReplays", 200)?.parse(await list(""))).toEqual(await list(""));
	});

	it("can be looked up, and cancelled once", async () => {
		const { call, replay } = await withWebhook();
		const { json } = await call("POST", replay, { since: 5 });
		const path = `./replays/${json["id"] as string}`;
		expect((await call("GET", path)).json).toEqual(json);
		const cancelled = await call("POST", `${path}:cancel`);
		expect(cancelled).toMatchObject({ status: 200, json: { status: "Cancelled", endDate: expect.any(Number) } });
		expect((await call("GET", path)).json).toEqual(cancelled.json);
		expect(await call("POST", `${path}:cancel`)).toMatchObject({ status: 409, json: { code: "replay_ended" } });
	});

	it("respond with 404 for an id that does not exist", async () => {
		const { call } = await withWebhook();
		const gone = { status: 404, json: { code: "replay_not_found" } };
		expect(await call("GET", "./replays/replay_1")).toMatchObject(gone);
		expect(await call("POST", "./replays/replay_1:cancel")).toMatchObject(gone);
		expect(await call("POST", "./batch/webhooks/webhook_1:replay", { since: 0 })).toMatchObject({
			status: 404,
			json: { code: "webhook_not_found" },
		});
	});
});
