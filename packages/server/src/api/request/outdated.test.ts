// A process of several that has lost touch with its database: what it knows of keys and webhooks may be outdated.
import { expect, it, onTestFinished } from "vitest";

import { ROWS_AT_ONCE } from "../resources/exports/export-reply.ts";
import { caller } from "../test/caller.ts";

it("refuses calls with a key while what the process knows may be outdated, and only these", async () => {
	let isCurrent = true;
	const { call } = await caller({}, null, { isCurrent: () => isCurrent });
	expect((await call("GET", "./batch/webhooks")).status).toBe(200);
	isCurrent = false;
	for (const [method, path] of [
		["GET", "./batch/webhooks"],
		["POST", "./events"],
		["GET", "/workspace/status"],
	] as const) {
		const { status, json } = await call(method, path, method === "POST" ? { type: "a", data: 1 } : undefined);
		expect([status, json["code"]]).toEqual([503, "store_unavailable"]);
	}
	expect((await call("GET", "/healthz")).status).toBe(200);
	isCurrent = true;
	expect((await call("GET", "./batch/webhooks")).status).toBe(200);
});

it("refuses to sign in with a key or a link meanwhile: it may have been made in another process", async () => {
	const { call } = await caller({}, null, { isCurrent: () => false });
	for (const body of [{ key: `sk_${"A".repeat(43)}` }, { link: `sl_${"A".repeat(43)}` }]) {
		const { status, json } = await call("POST", "/sessions", body, { "secret-key": "", "fanfare-page": "1" });
		expect([status, json["code"]]).toEqual([503, "store_unavailable"]);
	}
});

it("opens no live stream for a call that has come before", async () => {
	let isCurrent = true;
	const { app, engine, keys, project } = await caller({}, null, { isCurrent: () => isCurrent });
	const prepare = engine.live.prepare.bind(engine.live);
	onTestFinished(() => void (engine.live.prepare = prepare));
	engine.live.prepare = async (scope) => {
		await prepare(scope);
		isCurrent = false;
	};
	const response = await app.request(`/projects/${project.id}/stream`, { headers: { "secret-key": keys.read } });
	const text = response.status === 200 ? "a stream" : await response.text();
	expect([response.status, text]).toEqual([503, expect.stringContaining("store_unavailable")]);
});

it("reads no further page of an export", async () => {
	let isCurrent = true;
	const { app, call, keys, makeWebhook, project } = await caller({}, null, { isCurrent: () => isCurrent });
	await call("POST", `./batch/webhooks/${await makeWebhook()}:pause`);
	for (let sent = 0; sent < 2 * ROWS_AT_ONCE; sent += 500) {
		await call("POST", "./events:batch", {
			events: Array.from({ length: 500 }, () => ({ type: "order.paid", data: 1 })),
		});
	}
	const path = `/projects/${project.id}/deliveries:export`;
	const reader = (await app.request(path, { headers: { "secret-key": keys.read } })).body?.getReader();
	await reader?.read();
	isCurrent = false;
	await expect(reader?.read()).rejects.toMatchObject({ code: "store_unavailable" });
});
