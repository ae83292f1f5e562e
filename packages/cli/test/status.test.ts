// `fanfare status` of a server alone, and of one that shares its database with others.
import type { StatusDatabase, StatusMember, StatusMessages, WorkspaceStatus } from "@fanfare/sdk";
import { afterAll, beforeAll, expect, it } from "vitest";

import { startAnswering } from "./support/other-server.ts";
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
	messages: null,
};

const STANDBY = { name: "standby", state: "streaming", sync: "sync", lagMs: 3, lagBytes: 1_240 } as const;
const DATABASE: StatusDatabase = {
	reachable: true,
	version: "17.2",
	address: "10.1.4.3",
	port: 5_432,
	commitsWaitFor: "standby",
	standbys: [STANDBY],
	connections: { used: 31, allowed: 97 },
};
const COUNTS = { deliveries: 1_204, hints: 310, looks: 40, answers: 4, beats: 9_000 };
const NATS: StatusMessages = {
	pollMs: 400,
	nats: {
		up: true,
		server: "nats-1:4222",
		sent: COUNTS,
		received: { ...COUNTS, deliveries: 1_190 },
		late: 1,
		refused: 0,
		unsent: 2,
		missed: 3,
	},
};
const POLLING: StatusMessages = { pollMs: 400, nats: null };

/** Runs the command against a server that has these members. */
function statusWith(members: readonly StatusMember[] | null, ...args: readonly string[]) {
	return statusOf({ members }, ...args);
}

/** Runs the command against a server whose status has these changes. */
async function statusOf(changes: Partial<WorkspaceStatus>, ...args: readonly string[]) {
	const real = await world.server.client.getStatus();
	const found: WorkspaceStatus = { ...real, ...changes };
	await using server = await startAnswering(found);
	return { ...(await world.run(["status", ...args], { FANFARE_URL: server.url })), found };
}

it("shows what a server alone does, and its warnings, without a list of processes", async () => {
	const { code, stdout } = await world.run(["status"]);
	expect(code).toBe(0);
	expect(stdout).toMatch(/^Version +0\.2\.0\nStarted +.*\nPending +0 deliveries\n/);
	expect(stdout).toMatch(/^! FANFARE_ALLOW_HTTP is set: /m);
	expect(stdout).not.toMatch(/shards|Database|NATS/);
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

it("shows the database, its standbys and its connections, and what is not known of them", async () => {
	const { stdout } = await statusOf({ database: DATABASE });
	expect(stdout).toMatch(/^Database +PostgreSQL 17\.2 at 10\.1\.4\.3:5432$/m);
	expect(stdout).toMatch(/^Commits wait for +a standby$/m);
	expect(stdout).toMatch(/^Standbys +standby \(sync, streaming, 3 ms behind, 1\.2 kB to apply\)$/m);
	expect(stdout).toMatch(/^Connections +31 of 97$/m);
	const hidden = { name: "\u001B[2Jevil", state: null, sync: null, lagMs: null, lagBytes: null };
	const of = { ...DATABASE, address: null, port: null, commitsWaitFor: "disk", connections: null } as const;
	const { stdout: unknown } = await statusOf({ database: { ...of, standbys: [hidden] } });
	expect(unknown).toMatch(/^Database +PostgreSQL 17\.2$/m);
	expect(unknown).toMatch(/^Commits wait for +its own disk only$/m);
	expect(unknown).toMatch(/^Standbys +.*evil \(more is not known\)$/m);
	expect(unknown).toMatch(/^Connections +not known$/m);
	expect(unknown).not.toContain("\u001B");
	expect((await statusOf({ database: { ...of, standbys: [] } })).stdout).toMatch(/^Standbys +none$/m);
	expect((await statusOf({ database: { ...of, standbys: null } })).stdout).toMatch(/^Standbys +not known$/m);
	expect((await statusOf({ database: { ...of, reachable: false } })).stdout).toMatch(/^Database +does not answer$/m);
});

it("shows the messages of processes with NATS, and how often those without it look", async () => {
	const away = { ...NATS, nats: NATS.nats && { ...NATS.nats, up: false, server: null } };
	const each = [NATS, away, POLLING, null].map((messages, index) => ({
		...MEMBER,
		name: `fanfare-${index}`,
		messages,
	}));
	const { stdout } = await statusWith(each);
	expect(stdout).toMatch(/^process +NATS +deliveries out\/in +hints +signals +late +refused +unsent +missed$/m);
	expect(stdout).toMatch(/^fanfare-0 +up, nats-1:4222 +1204\/1190 +310\/310 +44\/44 +1 +0 +2 +3$/m);
	expect(stdout).toMatch(/^fanfare-1 +away, polls every 400 ms +1204\/1190 /m);
	expect(stdout).toMatch(/^fanfare-2 +off, polls every 400 ms +– +– +– +– +– +– +–$/m);
	// It has said nothing of it.
	expect(stdout.match(/^fanfare-3/gm)).toHaveLength(1);
	expect((await statusWith([{ ...MEMBER, messages: POLLING }])).stdout).toContain(
		"Without NATS: each process looks for the deliveries of the others every 400 ms.",
	);
	expect((await statusWith([MEMBER])).stdout).toContain("How the processes find each other's deliveries is not known.");
});
