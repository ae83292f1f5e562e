// The addresses that attempts come from, over HTTP.
import { expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

const PATH = "/workspace/egress-addresses";
const ADDRESSES = ["203.0.113.7", "2001:db8:1::/64"];

it("are shown to every key and to customers, and to nobody else; an empty list if the operator has set none", async () => {
	const { get, keys, tokenOf } = await caller({}, null, { egressAddresses: ADDRESSES });
	for (const key of [keys.admin, keys.read, keys.projectRead, await tokenOf("acme", [])])
		expect((await get(PATH, key)).json).toEqual({ object: "egressAddresses", addresses: ADDRESSES });
	for (const key of ["", `ps_${"A".repeat(43)}`]) {
		const { status, json } = await get(PATH, key);
		expect([status, json["addresses"]]).toEqual([401, undefined]);
	}
	expect((await (await caller()).get(PATH)).json["addresses"]).toEqual([]);
});
