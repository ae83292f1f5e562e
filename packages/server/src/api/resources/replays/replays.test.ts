// Replays over HTTP.
import { describe, expect, it } from "vitest";

import { comparable, expectRefusals, NO_UUID, problem, rowsOf, type Refusal } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

async function withWebhook() {
	const api = await caller();
	const webhookId = await api.makeWebhook();
	return { ...api, webhookId, replay: `./batch/webhooks/${webhookId}:replay` };
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
	});

	it("says that a replay waits for its project's quota of stored bytes, only while it does", async () => {
		const { call, replay, project, webhookId } = await withWebhook();
		await call("PATCH", `/projects/${project.id}`, { maxStoredBytes: 1 });
		// It would end at once when there is room.
		await call("POST", `./batch/webhooks/${webhookId}:pause`);
		const { json } = await call("POST", replay, { since: 5 });
		expect(json).toMatchObject({ status: "Running", waitingFor: "storedBytes" });
		const path = `./replays/${String(json["id"])}`;
		expect((await call("GET", path)).json).toMatchObject({ waitingFor: "storedBytes" });
		expect((await call("GET", "./replays")).json).toMatchObject({ data: [{ waitingFor: "storedBytes" }] });
		await call("PATCH", `/projects/${project.id}`, { maxStoredBytes: 1_000_000 });
		expect((await call("GET", path)).json).not.toHaveProperty("waitingFor");
	});

	it("reads all fields, and treats null like an omitted field", async () => {
		const { call, test, replay } = await withWebhook();
		const asked = { since: 0, until: 9, status: ["Succeeded", "Missed"], eventTypes: ["a.b", "c.*"], dryRun: false };
		const { since, until, status: outcomes, eventTypes } = asked;
		expect(await call("POST", replay, asked)).toMatchObject({
			status: 202,
			json: { object: "replay", since, until, outcomes, eventTypes },
		});
		// Another process may have accepted events until then.
		const later = test.clock.now() + 30_000;
		expect(await call("POST", replay, { since: 0, until: later })).toMatchObject({
			status: 202,
			json: { until: later },
		});
		const nulls = { since: 0, until: null, status: null, eventTypes: null, dryRun: null };
		expect(await call("POST", replay, nulls)).toMatchObject({
			status: 202,
			json: { until: test.clock.now() + 1, outcomes: ["Failed", "Cancelled", "Missed"], eventTypes: null },
		});
	});

	it("only counts in a dry run", async () => {
		const { call, makeWebhook, test } = await caller();
		for (const type of ["a", "b", "c"]) await call("POST", "./events", { type, data: 1 });
		// The webhook is made after the events, so it has missed them.
		const replay = `./batch/webhooks/${await makeWebhook()}:replay`;
		const { status, json } = await call("POST", replay, { since: 5, dryRun: true });
		const until = test.clock.now() + 1;
		expect([status, json]).toEqual([200, { object: "replayEstimate", count: 3, complete: true, until }]);
		expect((await call("GET", "./replays")).json).toMatchObject({ data: [] });
	});

	it("refuses ranges and filters that can't be", async () => {
		const { replay, ...api } = await withWebhook();
		const refusals: readonly [body: object, path: string, message: RegExp | string][] = [
			[{}, "since", /is required, unless eventIds/],
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
			[{ eventIds: ["evt_X"], since: 0 }, "since", /beside eventIds/],
			[{ eventIds: ["evt_X"], until: 5 }, "until", /beside eventIds/],
			[{ eventIds: [] }, "eventIds", /at least 1/],
			[{ eventIds: ["evt_X", "evt_X"] }, "eventIds.1", /same as entry 0/],
			[{ eventIds: Array.from({ length: 1_001 }, () => "evt_X") }, "eventIds", /at most 1000|1,000/],
			[{ eventIds: ["evt_1"] }, "eventIds.0", /id/],
		];
		const rows = refusals.map(([body, path, message]): Refusal => {
			const text = JSON.stringify(body).replaceAll("evt_X", `evt_${NO_UUID}`);
			return [`POST ${replay}`, path, message, JSON.parse(text)];
		});
		await expectRefusals(api, [
			...rows,
			["POST ./replays", "webhookIds", "is required", { since: 0 }],
			[
				"POST ./replays",
				"webhookIds",
				'must be an array such as ["…"], got a string',
				{ since: 0, webhookIds: "webhook_1" },
			],
		]);
		expect(rowsOf(await api.get("./replays"))).toEqual([]);
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
		expect(await call("GET", "./replays/replay_1")).toMatchObject(problem(404, "replay_not_found"));
		expect(await call("POST", "./replays/replay_1:cancel")).toMatchObject(problem(404, "replay_not_found"));
		const ofNothing = await call("POST", "./batch/webhooks/webhook_1:replay", { since: 0 });
		expect(ofNothing).toMatchObject(problem(404, "webhook_not_found"));
	});
});

describe("replaying chosen events", () => {
	it("is a 404 in the same words for events of nobody, of another project, and of another customer", async () => {
		const { call, test, tokenOf } = await caller();
		const { id: acmes } = await test.createWebhook("http://127.0.0.1:9/", { customerId: "acme" });
		await test.createWebhook("http://127.0.0.1:9/", { customerId: "globex" });
		const [own, globexs] = [await test.send({ customers: "acme" }), await test.send({ customers: "globex" })];
		const other = await test.engine.projects.create("Other", null);
		const foreign = await test.in(other.id).send();
		const unknown = `evt_${NO_UUID}`;
		const token = { "secret-key": await tokenOf("acme") };
		const replay = `./batch/webhooks/${acmes}:replay`;
		const asked = async (eventId: string, headers = {}) =>
			comparable(await call("POST", replay, { eventIds: [own, eventId] }, headers));
		const nothing = await asked(unknown, token);
		expect(nothing).toMatchObject({
			status: 404,
			json: { code: "event_not_found", issues: [{ path: "eventIds.1", message: "names no such event" }] },
		});
		expect(await asked(globexs, token)).toEqual(nothing);
		expect(await asked(foreign, token)).toEqual(nothing);
		expect(await asked(foreign)).toEqual(nothing);
		// A key of the project sees it: it learns why not.
		expect(await asked(globexs)).toMatchObject({
			status: 400,
			json: { issues: [{ path: "eventIds.1", message: `is not for the customer of ${acmes}` }] },
		});
		const dryRun = { eventIds: [globexs], dryRun: true };
		expect((await call("POST", replay, dryRun, token)).status).toBe(404);
		expect((await call("GET", "./replays")).json).toMatchObject({ data: [] });
		expect((await call("POST", replay, { eventIds: [own] }, token)).status).toBe(202);
	});
});

describe("replaying to several webhooks", () => {
	it("starts one replay for each, in their order, each with its entry in the audit log", async () => {
		const { call, makeWebhook, test } = await caller();
		const webhookIds = [await makeWebhook(), await makeWebhook()].toReversed();
		const eventId = await test.send();
		const body = { webhookIds, eventIds: [eventId], status: ["Failed", "Missed"] };
		const { status, json } = await call("POST", "./replays", body);
		expect(status).toBe(202);
		const started = json["data"] as { id: string; webhookId: string }[];
		const chosen = { chosenCount: 1, outcomes: ["Failed", "Missed"], status: "Running" };
		expect(started).toMatchObject(webhookIds.map((webhookId) => ({ webhookId, ...chosen })));
		const { json: audit } = await call("GET", "./audit?action=replay.create_many");
		expect((audit["data"] as { objectId: string }[]).map(({ objectId }) => objectId).toSorted()).toEqual(
			started.map(({ id }) => id).toSorted(),
		);
		const { json: estimate } = await call("POST", "./replays", { webhookIds, since: 0, dryRun: true });
		expect(estimate).toMatchObject({ object: "replayEstimate", complete: true });
	});

	it("starts none if one is not there, is another's, or is one too many", async () => {
		const { call, makeWebhook, test, tokenOf } = await caller();
		const mine = await makeWebhook();
		const unknown = `webhook_${NO_UUID}`;
		const { id: acmes } = await test.createWebhook("http://127.0.0.1:9/", { customerId: "acme" });
		const other = await test.engine.projects.create("Other", null);
		const { id: foreign } = await test.in(other.id).createWebhook("http://127.0.0.1:9/");
		const refusal = { status: 404, json: { code: "webhook_not_found", issues: [{ path: "webhookIds.1" }] } };
		for (const id of [unknown, foreign]) {
			expect(await call("POST", "./replays", { webhookIds: [mine, id], since: 0 })).toMatchObject(refusal);
		}
		const asAcme = { "secret-key": await tokenOf("acme") };
		for (const id of [unknown, foreign, mine]) {
			expect(await call("POST", "./replays", { webhookIds: [acmes, id], since: 0 }, asAcme)).toMatchObject(refusal);
		}
		await call("POST", `./batch/webhooks/${mine}:pause`);
		for (let n = 0; n < 9; n++) await call("POST", `./batch/webhooks/${mine}:replay`, { since: 0 });
		const second = await makeWebhook();
		const tooMany = await call("POST", "./replays", { webhookIds: [mine, second], since: 0 });
		expect(tooMany).toMatchObject({ status: 409, json: { code: "too_many_replays" } });
		expect(tooMany.json["message"]).toContain("None was started");
		expect((await call("GET", `./replays?webhookId=${second}`)).json).toMatchObject({ data: [] });
		const many = Array.from({ length: 11 }, (_, index) => mine.slice(0, -2) + String(10 + index));
		expect(await call("POST", "./replays", { webhookIds: many, since: 0 })).toMatchObject({ status: 400 });
	});
});
