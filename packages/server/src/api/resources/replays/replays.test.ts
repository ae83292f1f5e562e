// Replays over HTTP.
import { startReceiver } from "@fanfare/testkit/receiver";
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

	it("says that a replay waits for its project's quota of stored bytes, only while it does", async () => {
		const { call, replay, project, webhookId } = await withWebhook();
		await call("PATCH", `/projects/${project.id}`, { maxStoredBytes: 1 });
		// It would end at once when there is room.
		await call("POST", `./batch/webhooks/${webhookId}:pause`);
		const { json } = await call("POST", replay, { since: 5 });
		expect(json).toMatchObject({ status: "Running", waitingFor: "storedBytes" });
		expect(schemaOf("replayWebhook", 202)?.parse(json)).toEqual(json);
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
		const nulls = { since: 0, until: null, status: null, eventTypes: null, dryRun: null };
		expect(await call("POST", replay, nulls)).toMatchObject({
			status: 202,
			json: { until: test.clock.now() + 1, outcomes: ["Failed", "Cancelled", "Missed"], eventTypes: null },
		});
	});

	it("takes an end that its clock has not come to, since another process may have accepted events until then", async () => {
		const { call, test, replay } = await withWebhook();
		const until = test.clock.now() + 30_000;
		expect(await call("POST", replay, { since: 0, until })).toMatchObject({ status: 202, json: { until } });
	});

	it("only counts in a dry run", async () => {
		const { call, makeWebhook, test } = await caller();
		for (const type of ["a", "b", "c"]) await call("POST", "./events", { type, data: 1 });
		// The webhook is made after the events, so it has missed them.
		const replay = `./batch/webhooks/${await makeWebhook()}:replay`;
		const { status, json } = await call("POST", replay, { since: 5, dryRun: true });
		const until = test.clock.now() + 1;
		expect([status, json]).toEqual([200, { object: "replayEstimate", count: 3, complete: true, until }]);
		expect(schemaOf("replayWebhook", 200)?.parse(json)).toEqual(json);
		expect((await call("GET", "./replays")).json).toMatchObject({ data: [] });
	});

	it.each([
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

describe("replaying chosen events", () => {
	it("sends them whatever has become of them, and says how many they are", async () => {
		await using receiver = await startReceiver();
		const api = await caller();
		const webhookId = await api.makeWebhook(receiver.url);
		const ids = [await api.test.send(), await api.test.send(), await api.test.send()];
		for (const id of ids) await api.test.delivery(id, { status: "Succeeded" });
		const eventIds = [ids[2], ids[0]];
		const replay = `./batch/webhooks/${webhookId}:replay`;
		const estimate = await api.call("POST", replay, { eventIds, dryRun: true });
		expect(estimate).toMatchObject({ status: 200, json: { count: 2, complete: true, until: null } });
		const { status, json } = await api.call("POST", replay, { eventIds });
		expect([status, json]).toMatchObject([
			202,
			{ chosenCount: 2, outcomes: ["Succeeded", "Failed", "Cancelled", "Missed"], status: "Running" },
		]);
		expect(schemaOf("replayWebhook", 202)?.parse(json)).toEqual(json);
		await expect
			.poll(async () => {
				api.test.clock.advance(10);
				return (await api.call("GET", `./replays/${String(json["id"])}`)).json;
			})
			.toMatchObject({ status: "Finished", scannedCount: 2, deliveryCount: 2, progress: 1 });
		await receiver.waitFor(5);
	});

	it("is refused beside a range, without either, with too many, and with one that is there twice", async () => {
		const { call, test, replay } = await withWebhook();
		const id = await test.send();
		const refused = (path: string, message: RegExp) => ({
			status: 400,
			json: { code: "invalid_request", issues: [{ path, message: expect.stringMatching(message) }] },
		});
		expect(await call("POST", replay, { eventIds: [id], since: 0 })).toMatchObject(refused("since", /beside eventIds/));
		expect(await call("POST", replay, { eventIds: [id], until: 5 })).toMatchObject(refused("until", /beside eventIds/));
		expect(await call("POST", replay, {})).toMatchObject(refused("since", /required, unless eventIds/));
		expect(await call("POST", replay, { eventIds: [] })).toMatchObject(refused("eventIds", /at least 1/));
		expect(await call("POST", replay, { eventIds: [id, id] })).toMatchObject({ status: 400 });
		expect(await call("POST", replay, { eventIds: Array.from({ length: 1_001 }, () => id) })).toMatchObject(
			refused("eventIds", /at most 1000|1,000/),
		);
		expect(await call("POST", replay, { eventIds: ["evt_1"] })).toMatchObject(refused("eventIds.0", /id/));
	});

	it("is a 404 in the same words for events of nobody, of another project, and of another customer", async () => {
		const { call, test, tokenOf } = await caller();
		const { id: acmes } = await test.createWebhook("http://127.0.0.1:9/", { customerId: "acme" });
		await test.createWebhook("http://127.0.0.1:9/", { customerId: "globex" });
		const [own, globexs] = [await test.send({ customers: "acme" }), await test.send({ customers: "globex" })];
		const other = await test.engine.projects.create("Other", null);
		const foreign = await test.in(other.id).send();
		const unknown = "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		const token = { "secret-key": await tokenOf("acme") };
		const asked = async (eventId: string, headers = {}) => {
			const { status, json } = await call(
				"POST",
				`./batch/webhooks/${acmes}:replay`,
				{ eventIds: [own, eventId] },
				headers,
			);
			return { status, json: { ...json, requestId: "" } };
		};
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
		expect((await call("POST", `./batch/webhooks/${acmes}:replay`, dryRun, token)).status).toBe(404);
		expect((await call("GET", "./replays")).json).toMatchObject({ data: [] });
		expect((await call("POST", `./batch/webhooks/${acmes}:replay`, { eventIds: [own] }, token)).status).toBe(202);
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
		expect(schemaOf("createReplays", 202)?.parse(json)).toEqual(json);
		const started = json["data"] as { id: string; webhookId: string }[];
		expect(started.map(({ webhookId }) => webhookId)).toEqual(webhookIds);
		const { json: audit } = await call("GET", "./audit?action=replay.create_many");
		expect((audit["data"] as { objectId: string }[]).map(({ objectId }) => objectId).toSorted()).toEqual(
			started.map(({ id }) => id).toSorted(),
		);
		const { json: estimate } = await call("POST", "./replays", { webhookIds, since: 0, dryRun: true });
		expect(estimate).toMatchObject({ object: "replayEstimate", complete: true });
	});

	it("says that the list of webhooks is required, and shows its form for another value", async () => {
		const { call } = await caller();
		const { json } = await call("POST", "./replays", { since: 0 });
		expect(json["issues"]).toEqual([{ path: "webhookIds", message: "is required" }]);
		const { json: other } = await call("POST", "./replays", { since: 0, webhookIds: "webhook_1" });
		expect(other["issues"]).toEqual([{ path: "webhookIds", message: 'must be an array such as ["…"], got a string' }]);
	});

	it("starts none if one is not there, is another's, or is one too many", async () => {
		const { call, makeWebhook, test, tokenOf } = await caller();
		const mine = await makeWebhook();
		const unknown = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
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
