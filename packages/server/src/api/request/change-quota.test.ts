// Changes beyond their quota are refused before anything is read for them, so that a refusal costs less than what is refused.
import { expect, it } from "vitest";

import { countedByKey, countsAsChange } from "../../core/policies/change-quota.ts";
import { DEFAULT_RETENTION } from "../../core/policies/retention.ts";
import { DEFAULT_LIMITS } from "../../engine/parts.ts";
import { apiRoutes } from "../resources/table.ts";
import { callerAlone, type Caller } from "../test/caller.ts";

const NO_JSON = "this is not JSON";

/** Of these, only the body tells whether they change something, or for whom it is counted. */
const TOLD_BY_BODY = new Set(["portal_session.create", "replay.create", "replay.create_many", "customer.resume"]);

/** The changes of a project that its keys share. */
const COUNTED = apiRoutes().filter(({ audit, path }) => {
	if (typeof audit !== "string" || !path.includes("{projectId}")) return false;
	return countsAsChange(audit) && countedByKey(audit) === null && !TOLD_BY_BODY.has(audit);
});

/** An API with a quota of one change a minute, so of 60 at once, which its workspace has used up in the project. */
async function usedUp(): Promise<Caller> {
	const api = await callerAlone();
	api.engine.change({
		limits: { ...DEFAULT_LIMITS, maxChangesPerMinute: 1 },
		retention: DEFAULT_RETENTION,
		quotas: { maxEventsPerSecond: 0, maxStoredBytes: 0 },
	});
	for (let n = 0; n < 60; n++) {
		expect((await api.call("PATCH", `/projects/${api.project.id}`, { name: `Name ${n}` })).status).toBe(200);
	}
	return api;
}

it("are refused before their bodies are read, and before the store is", async () => {
	const { call, project, store } = await usedUp();
	const isCalled = () => Promise.reject(new Error("the store is called"));
	const reads = Object.fromEntries(Object.keys(store).map((name) => [name, isCalled]));
	const calls = { ...store };
	const refuse = async ({ id, method, path }: (typeof COUNTED)[number]) => {
		const url = path.replace("{projectId}", project.id).replaceAll(/\{[A-Za-z]+\}/g, "nothing");
		const { status, json } = await call(method.toUpperCase(), url, NO_JSON);
		return [id, status, json["code"]];
	};
	Object.assign(store, reads);
	let refused: unknown[][];
	try {
		refused = await Promise.all(COUNTED.map(refuse));
	} finally {
		Object.assign(store, calls);
	}
	expect(refused).toEqual(COUNTED.map(({ id }) => [id, 429, "change_rate_exceeded"]));
	expect(refused.length).toBeGreaterThan(10);
});

it("leave dry runs of replays to be counted, and refuse replays", async () => {
	const { call, project, test } = await usedUp();
	test.clock.advance(60_000);
	const webhook = await call("POST", "./batch/webhooks", { name: "n", spec: { endpoint: "https://example.com/" } });
	expect(webhook.status).toBe(200);
	expect((await call("PATCH", `/projects/${project.id}`, { name: "b" })).status).toBe(429);
	const id = String(webhook.json["id"]);
	const replay = (body: object) => call("POST", `./batch/webhooks/${id}:replay`, { since: 0, ...body });
	const replayAll = (body: object) => call("POST", "./replays", { webhookIds: [id], since: 0, ...body });
	for (const start of [replay, replayAll]) {
		const dry = await start({ dryRun: true });
		expect([dry.status, dry.json["code"]]).toEqual([200, undefined]);
		const refused = await start({});
		expect([refused.status, refused.json["code"]]).toEqual([429, "change_rate_exceeded"]);
	}
});

it("leave all others to be made: what ends something, what has a quota of its own, and those of other projects", async () => {
	const { call, project, other } = await usedUp();
	expect((await call("PATCH", `/projects/${project.id}`, { name: "b" })).status).toBe(429);
	expect((await call("POST", "./portal-sessions", { customerId: "acme" })).status).toBe(200);
	expect((await call("DELETE", "./portal-sessions?customerId=acme")).status).toBe(200);
	expect((await call("PATCH", `/projects/${other.id}`, { name: "b" })).status).toBe(200);
	expect((await call("POST", "./events", { type: "a", data: 1 })).status).toBe(202);
	expect((await call("GET", "./batch/webhooks")).status).toBe(200);
});

it("uses up nothing by the look that comes before: the last change is made", async () => {
	const { call, project, test } = await usedUp();
	const rename = (name: string) => call("PATCH", `/projects/${project.id}`, { name });
	for (let n = 0; n < 3; n++) expect((await rename("b")).status).toBe(429);
	test.clock.advance(60_000);
	expect((await rename("b")).status).toBe(200);
	expect((await rename("c")).status).toBe(429);
});
