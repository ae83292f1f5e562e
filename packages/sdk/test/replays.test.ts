// Replays: starting, listing, cancelling and waiting.
import { expect, it } from "vitest";

import { ConflictError, InternalServerError } from "../src/index.ts";
import { json, PROJECT_ID, ScriptedServer, testClient, WEBHOOK_ID, type Step } from "./scripted-server.ts";

const wireReplay = {
	id: "replay_1",
	object: "replay",
	projectId: PROJECT_ID,
	webhookId: WEBHOOK_ID,
	status: "Running",
	since: 5,
	until: 9,
	chosenCount: null,
	outcomes: ["Failed"],
	eventTypes: null,
	missedEventTypes: null,
	scannedCount: 0,
	deliveryCount: 0,
	progress: 0,
	createDate: 9,
	updateDate: 9,
	endDate: null,
};
const estimate = { object: "replayEstimate", count: 3, complete: true, until: 9 };
const unavailable = json(500, { message: "m", code: "internal" });

async function open(...steps: readonly Step[]) {
	const server = await ScriptedServer.start(...steps);
	const { client, waits } = testClient(server);
	return { server, waits, project: client.project(PROJECT_ID) };
}

it("starts a replay with dates as milliseconds, and never twice", async () => {
	const { server, project } = await open(json(202, wireReplay), unavailable);
	await using _ = server;
	const { webhooks } = project.batch;

	const replay = { since: new Date(5), until: 9, status: ["Failed"], eventTypes: ["a.*"] } as const;
	expect(await webhooks.replay(WEBHOOK_ID, replay)).toEqual(wireReplay);
	expect([server.last.method, server.last.url]).toEqual([
		"POST",
		`/projects/${PROJECT_ID}/batch/webhooks/${WEBHOOK_ID}:replay`,
	]);
	expect(JSON.parse(server.last.body)).toEqual({ since: 5, until: 9, status: ["Failed"], eventTypes: ["a.*"] });

	await expect(webhooks.replay(WEBHOOK_ID, { since: 5 })).rejects.toThrow(InternalServerError);
	expect(server.requests).toHaveLength(2);
	await expect(webhooks.replay(WEBHOOK_ID, { since: Number.NaN })).rejects.toThrow(TypeError);
});

it("counts in a dry run, and retries after a failure", async () => {
	const { server, project } = await open(unavailable, json(200, estimate));
	await using _ = server;

	const { count } = await project.batch.webhooks.replay(WEBHOOK_ID, { since: 5, dryRun: true });

	expect(count).toBe(3);
	expect(JSON.parse(server.last.body)).toEqual({ since: 5, dryRun: true });
});

it("starts replays of chosen events to several webhooks, and never twice", async () => {
	const page = { object: "replaysStarted", data: [wireReplay, { ...wireReplay, id: "replay_2" }] };
	const { server, project } = await open(json(202, page), json(200, estimate), unavailable);
	await using _server = server;
	const chosen = { webhookIds: [WEBHOOK_ID, "webhook_2"], eventIds: ["evt_1"] };
	expect(await project.replays.create(chosen)).toEqual(page.data);
	expect(await project.replays.create({ ...chosen, dryRun: true })).toEqual(estimate);
	await expect(project.replays.create(chosen)).rejects.toThrow(InternalServerError);
	const path = `POST /projects/${PROJECT_ID}/replays`;
	expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([path, path, path]);
	expect(JSON.parse(server.requests[0]!.body)).toEqual(chosen);
});

it("lists, fetches and cancels replays", async () => {
	const ended = json(409, { message: "This replay has ended.", code: "replay_ended" });
	const page = { nextPage: null, prevPage: null, data: [wireReplay] };
	const { server, project } = await open(json(200, page), json(200, wireReplay), json(200, wireReplay), ended);
	await using _ = server;
	const { replays } = project;

	expect((await replays.list({ webhookId: WEBHOOK_ID, limit: 5 })).data).toEqual([wireReplay]);
	expect(await replays.get("replay_1")).toEqual(wireReplay);
	expect(await replays.cancel("replay_1")).toEqual(wireReplay);
	await expect(replays.cancel("replay_1")).rejects.toThrow(ConflictError);

	const base = `/projects/${PROJECT_ID}/replays`;
	expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
		`GET ${base}?webhookId=${WEBHOOK_ID}&limit=5`,
		`GET ${base}/replay_1`,
		`POST ${base}/replay_1:cancel`,
		`POST ${base}/replay_1:cancel`,
	]);
});

it("waits until a replay has ended, by polling", async () => {
	const finished = { ...wireReplay, status: "Finished", progress: 1 };
	const { server, project, waits } = await open(json(200, wireReplay), json(200, wireReplay), json(200, finished));
	await using _ = server;

	expect(await project.replays.wait("replay_1", { everyMs: 70 })).toEqual(finished);

	expect(waits).toEqual([70, 70]);
});
