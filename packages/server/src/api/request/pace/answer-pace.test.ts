// The bound on responses that cost nothing but time of the main thread.
import { describe, expect, it } from "vitest";

import { systemClock } from "../../../adapters/system/system-clock.ts";
import { ManualClock } from "../../../core/manual-clock.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { NO_UUID } from "../../test/answers.ts";
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

	it("is one for each owner, and is full when one would wait for more than two seconds", () => {
		const clock = new ManualClock();
		const pace = new AnswerPace(clock, 4);
		for (let n = 0; n < 8; n++) expect(pace.take("a")).toBeNull();
		for (let n = 0; n < 8; n++) expect(pace.take("a")).toBeInstanceOf(Promise);
		for (let n = 0; n < 10; n++) expect(pace.take("a")).toBe("full");
		expect(pace.take("b")).toBeNull();
		clock.advance(250);
		expect(pace.take("a")).toBeInstanceOf(Promise);
		expect(pace.take("a")).toBe("full");
	});

	it("lets one wait for two seconds at most", async () => {
		const clock = new ManualClock();
		let isOver = false;
		void new AnswerPace(clock, 1).longest().then(() => (isOver = true));
		clock.advance(1_999);
		await settled();
		expect(isOver).toBe(false);
		clock.advance(1);
		await settled();
		expect(isOver).toBe(true);
	});

	it("remembers who waits while thousands of others ask, and none of those that have asked nothing lately", () => {
		const clock = new ManualClock();
		const pace = new AnswerPace(clock, 1);
		for (let n = 0; n < 3; n++) void pace.take("a");
		for (let n = 0; n < 5_000; n++) expect(pace.take(`other ${n}`)).toBeNull();
		expect(pace.take("a")).toBeInstanceOf(Promise);
		expect(pace.owners).toBe(5_001);
		clock.advance(5_000);
		for (let n = 0; n < 10_000; n++) expect(pace.take(`later ${n}`)).toBeNull();
		expect(pace.owners).toBeLessThan(12_000);
	});

	it("answers all probes that have come by then in the next turn of the event loop", async () => {
		const pace = new AnswerPace(systemClock, 1);
		let answered = 0;
		for (let n = 0; n < 5_000; n++) void pace.probe().then(() => answered++);
		await Promise.resolve();
		expect(answered).toBe(0);
		await settled();
		await settled();
		expect(answered).toBe(5_000);
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
			longest: () => Promise.resolve(),
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
const longest = () => Promise.resolve();
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

	it("is one that comes from memory, or refuses; who uses the page does not wait for strangers who are refused", async () => {
		const { api, asked, owners } = await openPaced();
		const { keys, project } = api;
		for (const [method, path, body] of [
			["POST", "./events", BAD],
			["GET", "./events?limit=x"],
			["GET", `./events/evt_${NO_UUID}`],
			["GET", `/projects/${project.id}`],
			["GET", "/projects"],
		] as const) {
			expect([path, await owners(method, path, body, { "secret-key": keys.project })]).toEqual([path, [project.id]]);
		}
		for (const [call, owner] of [
			["GET /nothing/here", "192.0.2.1"],
			["DELETE /projects", "192.0.2.1"],
			["OPTIONS /projects", "192.0.2.1"],
			["GET /openapi.json", "192.0.2.1 unrefused"],
			...["/healthz", "/readyz", "/metrics"].map((path) => [`GET ${path}`, "a probe"] as const),
		] as const) {
			const [method = "", path = ""] = call.split(" ");
			await api.app.request(path, { method });
			expect([call, asked.splice(0)]).toEqual([call, [owner]]);
		}
	});

	it("is none to a sign-in, which has waited for the store, unless it is refused", async () => {
		const { api, owners } = await openPaced();
		const signIn = (key: string) => owners("POST", "/sessions", { key }, { ...NO_KEY, "fanfare-page": "1" });
		expect(await signIn(api.keys.project)).toEqual([]);
		expect(await signIn("sk_unknown")).toEqual(["192.0.2.1"]);
	});

	it("is none that has waited for the store, and no failure of the server", async () => {
		const { api, owners } = await openPaced();
		expect(await owners("POST", "./events", { type: "a", data: 1 })).toEqual([]);
		expect(await owners("GET", "./deliveries")).toEqual([]);
		api.store.event = () => Promise.reject(new StoreError("store_unavailable", "gone"));
		const path = `./events/evt_${NO_UUID}`;
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
		const { app, lean, keys, lines, project } = await caller({}, null, { answerPace: { take, longest, probe } });
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
			const { app, lean, keys, project } = await caller({}, null, {
				answerPace: { take: () => "full", longest, probe },
			});
			const port = await listenOnNode(app, way === "the app" ? null : lean);
			const headers = { "secret-key": keys.project, "content-type": "application/json" };
			const response = requestTo(port, `/projects/${project.id}/events`, { method: "POST", headers, body: "{}" });
			await expect(response).rejects.toMatchObject({ code: "ECONNRESET" });
		},
	);

	it("is given at last if it is no refusal, however many of its owner wait", async () => {
		let waited = 0;
		const pace = { take: () => "full" as const, longest: () => Promise.resolve(void waited++), probe };
		const { app } = await caller({}, null, { answerPace: pace, clientAddress: () => "192.0.2.1" });
		const port = await listenOnNode(app, null);
		expect((await requestTo(port, "/openapi.json", { method: "GET", headers: {}, body: "" })).status).toBe(200);
		expect(waited).toBe(1);
	});
});
