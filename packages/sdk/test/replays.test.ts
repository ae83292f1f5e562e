// Replays: starting, listing, cancelling and waiting.
import { expect, it } from "vitest";

import { ConflictError, InternalServerError } from "../src/index.ts";
import { json, PROJECT_ID, ScriptedServer, testClient, WEBHOOK_ID, type Step } from "./scripted-server.ts";

const wireReplay = { id: "replay_1", object: "replay", webhookId: WEBHOOK_ID, status: "Running", progress: 0 };
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
	expect(server.requests).toHaveLength(3);
	expect(JSON.parse(server.requests[0]!.body)).toEqual(chosen);
});

it("rejects the end of a replay that has ended", async () => {
	const { server, project } = await open(json(409, { message: "This replay has ended.", code: "replay_ended" }));
	await using _ = server;
	await expect(project.replays.cancel("replay_1")).rejects.toThrow(ConflictError);
});

it("waits until a replay has ended, by polling", async () => {
	const finished = { ...wireReplay, status: "Finished", progress: 1 };
	const { server, project, waits } = await open(json(200, wireReplay), json(200, wireReplay), json(200, finished));
	await using _ = server;

	expect(await project.replays.wait("replay_1", { everyMs: 70 })).toEqual(finished);

	expect(waits).toEqual([70, 70]);
});
