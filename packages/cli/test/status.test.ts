// `fanfare status` of a server alone, and of one that shares its database with others.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { StatusMember, WorkspaceStatus } from "@fanfare/sdk";
import { afterAll, beforeAll, expect, it } from "vitest";

import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const NOW = 1_800_000_000_000;
const MEMBER: StatusMember = {
	id: "5f0c9a9e-7a1d-4c55-8b0e-2d1c7c1f6f10",
	name: "fanfare-0",
	address: "10.1.4.17",
	port: 8_787,
	version: "0.2.0",
	role: "all",
	state: "live",
	self: true,
	joinDate: NOW - 7_200_000,
	seenDate: NOW - 300,
	seenAgoMs: 300,
	shards: 256,
	duties: ["retention", "stats"],
	readyDeliveries: 3,
	inFlightAttempts: 2,
	lagMs: 1_200,
};

/** Runs the command against a server that has these members. */
async function statusWith(members: readonly StatusMember[] | null, ...args: readonly string[]) {
	const real = await world.server.client.getStatus();
	const found: WorkspaceStatus = { ...real, members };
	const server = createServer((_, response) => {
		response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(found));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	try {
		return { ...(await world.run(["status", ...args], { FANFARE_URL: url })), found };
	} finally {
		server.close();
	}
}

it("shows what a server alone does, and its warnings, without a list of processes", async () => {
	const { code, stdout } = await world.run(["status"]);
	expect(code).toBe(0);
	expect(stdout).toMatch(/^Version +0\.2\.0\nStarted +.*\nWaiting +0 deliveries\n/);
	expect(stdout).toMatch(/^! FANFARE_ALLOW_HTTP is set: /m);
	expect(stdout).not.toMatch(/shards/);
	expect((await world.run(["status", "--quiet"])).stdout).toMatch(/^http_allowed$/m);
});

it("lists the processes that share a database, and those that were lost", async () => {
	const lost = { ...MEMBER, id: "b", name: "fanfare-1", address: null, state: "lost", self: false } as const;
	const members = [MEMBER, { ...lost, seenDate: NOW - 240_000, seenAgoMs: 240_000, shards: 0, duties: [], lagMs: 0 }];
	const { stdout } = await statusWith(members);
	expect(stdout).toMatch(/^process +address +state +role +version +up +shards +ready +attempts +lag +duties$/m);
	expect(stdout).toMatch(
		/^fanfare-0 \(this one\) +10\.1\.4\.17:8787 +live +all +0\.2\.0 +119 min +256 +3 +2 +1 s +retention, stats$/m,
	);
	expect(stdout).toMatch(/^fanfare-1 +port 8787 +lost 4 min ago +all +0\.2\.0 +116 min +0 +3 +2 +– +–$/m);
	const asJson = await statusWith(members, "--json");
	expect(JSON.parse(asJson.stdout)).toEqual(asJson.found);
});

it("says that the processes can't be read, and makes nothing that a name has on a terminal", async () => {
	expect((await statusWith(null)).stderr).toContain("The processes can't be read at the moment.");
	expect((await statusWith([{ ...MEMBER, name: "\u001B[2Jevil" }])).stdout).not.toContain("\u001B");
});
