// The calls of relays: what a relay may be given.
import { expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

const secret = `whsec_${Buffer.alloc(32, "secret").toString("base64")}`;

it("gives its client 1 to 60 s to answer, and 30 s if nothing is said", async () => {
	const { call } = await caller();
	const put = async (timeoutMs?: unknown) => call("POST", "./relays", { device: "d", secret, timeoutMs });
	const { json, status } = await put();
	expect([status, json["timeoutMs"]]).toEqual([200, 30_000]);
	for (const timeoutMs of [1_000, 60_000]) expect((await put(timeoutMs)).json).toMatchObject({ timeoutMs });
	for (const timeoutMs of [999, 60_001, 1_000.5, "1000", 0]) {
		expect(await put(timeoutMs)).toMatchObject({ status: 400, json: { code: "invalid_request" } });
		expect(await call("PATCH", `./relays/${String(json["id"])}`, { timeoutMs })).toMatchObject({ status: 400 });
	}
	expect((await call("PATCH", `./relays/${String(json["id"])}`, { timeoutMs: null })).json).toMatchObject({
		timeoutMs: 30_000,
	});
});
