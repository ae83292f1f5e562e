// The bound on responses that cost nothing but time of the main thread.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../../core/manual-clock.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { caller } from "../../test/caller.ts";
import { listenOnNode, requestTo } from "../../test/node-server.ts";
import { AnswerPace } from "./answer-pace.ts";

/** Lets everything happen that needs no time. */
const settled = () => new Promise((resolve) => void setImmediate(resolve));

describe("the pace of responses", () => {
	it("gives those of two seconds at once, and the next ones at its rate, in their order", async () => {
		const clock = new ManualClock();
		const pace = new AnswerPace(clock, 4);
		for (let n = 0; n < 8; n++) expect(pace.take("a")).toBeNull();
		const given: number[] = [];
		for (const n of [1, 2, 3]) void Promise.resolve(pace.take("a")).then(() => given.push(n));
		for (const expected of [[], [1], [1, 2], [1, 2, 3]]) {
			await settled();
			expect(given).toEqual(expected);
			clock.advance(250);
		}
		clock.advance(2_000);
		for (let n = 0; n < 8; n++) expect(pace.take("a")).toBeNull();
		expect(pace.take("a")).toBeInstanceOf(Promise);
	});

	it("is one for each owner, and is full when a thousand of one wait", () => {
		const clock = new ManualClock();
		const pace = new AnswerPace(clock, 1);
		for (let n = 0; n < 2; n++) expect(pace.take("a")).toBeNull();
		for (let n = 0; n < 1_000; n++) expect(pace.take("a")).toBeInstanceOf(Promise);
		for (let n = 0; n < 10; n++) expect(pace.take("a")).toBe("full");
		expect(pace.take("b")).toBeNull();
		clock.advance(1_000);
		expect(pace.take("a")).toBeInstanceOf(Promise);
		expect(pace.take("a")).toBe("full");
	});

	it("remembers who waits while thousands of others ask, and none of those that have asked nothing lately", () => {
		const clock = new ManualClock();
		const pace = new AnswerPace(clock, 1);
		for (let n = 0; n < 3; n++) void pace.take("a");
		for (let n = 0; n < 5_000; n++) expect(pace.take(`other ${n}`)).toBeNull();
		expect(pace.take("a")).toBeInstanceOf(Promise);
		clock.advance(5_000);
		for (let n = 0; n < 10_000; n++) expect(pace.take(`later ${n}`)).toBeNull();
		expect(pace.take("a")).toBeNull();
	});

	it("has no bound with 0", () => {
		const pace = new AnswerPace(new ManualClock(), 0);
		for (let n = 0; n < 5_000; n++) expect(pace.take("a")).toBeNull();
	});
});

/** An API, and the owners of the cheap responses that it gives. `address` is that of the client. */
async function openPaced() {
	const asked: string[] = [];
	const client: { address: string | null } = { address: "192.0.2.1" };
	const api = await caller({}, null, {
		answerPace: {
			take: (owner) => (asked.push(owner), null),
			async probe() {
				asked.push("a probe");
			},
		},
		clientAddress: () => client.address,
	});
	/** Makes a call. Returns whose response it was, and nothing for one that is not cheap. */
	const owners = async (...args: Parameters<typeof api.call>): Promise<string[]> => {
		await api.call(...args);
		return asked.splice(0);
	};
	return { api, asked, client, owners };
}

const probe = () => Promise.resolve();
const NO_KEY = { "secret-key": "" };
const BAD = { type: "no good" };

describe("a response that has cost nothing but time of the main thread", () => {
	it("is counted for the project of a key, a customer, a key of the workspace, or the address of who has shown none", async () => {
		const { api, asked, client, owners } = await openPaced();
		const { keys, other, project, tokenOf } = api;
		const send = (key: string) => owners("POST", "./events", BAD, { "secret-key": key });
		expect(await send(keys.project)).toEqual([project.id]);
		expect(await send(keys.projectRead)).toEqual([project.id]);
		// Its path names another project.
		expect(await send(keys.other)).toEqual([other.id]);
		expect(await send(keys.write)).toEqual([api.engine.keys.authenticate(keys.write)?.key.id]);
		const token = await tokenOf("acme");
		asked.length = 0;
		expect(await send(token)).toEqual([`${project.id} acme`]);
		expect(await owners("POST", "./events", BAD, NO_KEY)).toEqual(["192.0.2.1"]);
		expect(await send("sk_unknown")).toEqual(["192.0.2.1"]);
		client.address = "2001:db8:1:2:3:4:5:6";
		expect(await owners("GET", "./events", undefined, NO_KEY)).toEqual(["2001:db8:1:2"]);
		client.address = null;
		expect(await owners("GET", "./events", undefined, NO_KEY)).toEqual([]);
	});

	it.each([
		["a refused body", "POST", "./events", BAD],
		["a refused query", "GET", "./events?limit=x", undefined],
		["an unknown event", "GET", "./events/evt_00000000-0000-7000-8000-000000000000", undefined],
		["a project, which is in memory", "GET", "/projects/it", undefined],
		["the list of projects", "GET", "/projects", undefined],
	] as const)("is that to %s", async (_what, method, path, body) => {
		const { api, owners } = await openPaced();
		const { keys, project } = api;
		const url = path.replace("/it", `/${project.id}`);
		expect(await owners(method, url, body, { "secret-key": keys.project })).toEqual([project.id]);
	});

	it.each([
		["GET", "/nothing/here"],
		["OPTIONS", "/projects"],
		["DELETE", "/projects"],
	])("is that to %s %s, which needs no key", async (method, path) => {
		const { api, asked } = await openPaced();
		await api.app.request(path, { method });
		expect(asked).toEqual(["192.0.2.1"]);
	});

	it.each(["/healthz", "/readyz", "/metrics"])("is none to the probe %s, which has a turn of its own", async (path) => {
		const { api, asked } = await openPaced();
		await api.app.request(path);
		expect(asked).toEqual(["a probe"]);
	});

	it("is none that has waited for the store, and no failure of the server", async () => {
		const { api, owners } = await openPaced();
		expect(await owners("POST", "./events", { type: "a", data: 1 })).toEqual([]);
		expect(await owners("GET", "./deliveries")).toEqual([]);
		api.store.event = () => Promise.reject(new StoreError("store_unavailable", "gone"));
		const path = "./events/evt_00000000-0000-7000-8000-000000000000";
		const { status } = await api.call("GET", path);
		expect([status, await owners("GET", path)]).toEqual([503, []]);
	});

	it.each(["the lean path", "the app"])("waits for its time on %s, and is the same then", async (way) => {
		const { promise: turn, resolve: goOn } = Promise.withResolvers<void>();
		const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
		const take = () => {
			isAsked();
			return turn;
		};
		const { app, lean, keys, lines, project } = await caller({}, null, { answerPace: { take, probe } });
		const port = await listenOnNode(app, way === "the app" ? null : lean);
		const headers = { "secret-key": keys.project, "content-type": "application/json" };
		const response = requestTo(port, `/projects/${project.id}/events`, { method: "POST", headers, body: "{}" });
		await asked;
		await settled();
		expect(lines).toEqual([]);
		goOn();
		expect((await response).status).toBe(400);
		expect(lines).toMatchObject([{ status: 400 }]);
	});

	it.each(["the lean path", "the app"])(
		"is not given on %s if too many of its owner wait: the connection is closed",
		async (way) => {
			const { app, lean, keys, project } = await caller({}, null, { answerPace: { take: () => "full", probe } });
			const port = await listenOnNode(app, way === "the app" ? null : lean);
			const headers = { "secret-key": keys.project, "content-type": "application/json" };
			const response = requestTo(port, `/projects/${project.id}/events`, { method: "POST", headers, body: "{}" });
			await expect(response).rejects.toMatchObject({ code: "ECONNRESET" });
		},
	);
});
