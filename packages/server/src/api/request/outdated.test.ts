// A process of several that has lost touch with its database: what it knows of keys and webhooks may be outdated.
import { expect, it } from "vitest";

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
