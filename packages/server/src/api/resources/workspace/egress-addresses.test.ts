// The addresses that attempts come from, over HTTP.
import { expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

const PATH = "/workspace/egress-addresses";
const ADDRESSES = ["203.0.113.7", "2001:db8:1::/64"];

it("are shown to every key and to customers, and to nobody else", async () => {
	const { call, keys, tokenOf } = await caller({}, null, { egressAddresses: ADDRESSES });
	for (const key of [keys.admin, keys.read, keys.projectRead, await tokenOf("acme", [])]) {
		const { status, json } = await call("GET", PATH, undefined, { "secret-key": key });
		expect([status, json]).toEqual([200, { object: "egressAddresses", addresses: ADDRESSES }]);
	}
	for (const key of ["", `ps_${"A".repeat(43)}`]) {
		const { status, json } = await call("GET", PATH, undefined, { "secret-key": key });
		expect(status).toBe(401);
		expect(json).not.toHaveProperty("addresses");
	}
});

it("are an empty list if the operator has set none", async () => {
	const { call, keys } = await caller();
	const { json } = await call("GET", PATH, undefined, { "secret-key": keys.read });
	expect(json["addresses"]).toEqual([]);
});
