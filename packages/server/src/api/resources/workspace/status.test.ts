// The status of the workspace over HTTP.
import { expect, it } from "vitest";

import { UNREACHABLE, type DatabaseFacts } from "../../../ports/database.ts";
import type { Member } from "../../../ports/membership.ts";
import { caller } from "../../test/caller.ts";
import { presentStatus } from "./present.ts";

it("has the state of the engine, and that of the server around it", async () => {
	const warning = { code: "http_allowed" as const, message: "FANFARE_ALLOW_HTTP is set.", projectId: null };
	const connections = { name: "maxConnections", used: 3, allowed: 10 };
	const { call, keys } = await caller({ bodyBytesInHand: 20_000_000 }, null, {
		serverStatus: () => Promise.resolve({ limits: [connections], warnings: [warning], database: null }),
	});
	const { status, json } = await call("GET", "/workspace/status", undefined, { "secret-key": keys.read });
	expect(status).toBe(200);
	// The store of the other run is in memory.
	const onPostgres = process.env["TEST_STORE"] === "postgres";
	expect(json).toEqual({
		object: "workspaceStatus",
		version: "0.0.0-test",
		startDate: expect.any(Number),
		date: expect.any(Number),
		store: {
			storedBytes: expect.any(Number),
			fileBytes: onPostgres ? expect.any(Number) : null,
			volumeBytes: null,
			freeBytes: null,
		},
		backlog: {
			pending: expect.any(Number),
			held: expect.any(Number),
			readyDeliveries: 0,
			inFlightAttempts: 0,
			waitingSends: 0,
			oldestDueMs: 0,
		},
		commits: { count: 0, p50Ms: null, p99Ms: null },
		limits: expect.arrayContaining([
			connections,
			{ name: "maxBodyBytesInHand", used: 0, allowed: 20_000_000 },
			{ name: "maxStreams", used: 0, allowed: 1_000 },
			{ name: "pageStreams", used: 0, allowed: 200 },
			{ name: "customerStreams", used: 0, allowed: 400 },
			{ name: "relayStreams", used: 0, allowed: 2_000 },
		]),
		// One process alone.
		database: null,
		members: [],
		warnings: [warning],
	});
});

it("is not for keys of one project, and shows none of its limits to them", async () => {
	const { call, keys } = await caller();
	const { status, json } = await call("GET", "/workspace/status", undefined, { "secret-key": keys.project });
	expect([status, json["code"]]).toEqual([403, "insufficient_scope"]);
	expect(json).not.toHaveProperty("limits");
});

it("has what the database says of itself, and null for what its role may not see", async () => {
	const standby = { name: "standby", state: null, sync: null, lagMs: null, lagBytes: null };
	const seen = { version: "17.2", address: "10.1.4.3", port: 5_432, commitsWaitFor: "standby" } as const;
	const database = { isReachable: true, ...seen, standbys: [standby], connections: null };
	const statusOf = async (facts: DatabaseFacts) => {
		const { call, keys } = await caller({}, null, {
			serverStatus: () => Promise.resolve({ limits: [], warnings: [], database: facts }),
		});
		return (await call("GET", "/workspace/status", undefined, { "secret-key": keys.read })).json["database"];
	};
	expect(await statusOf(database)).toEqual({ reachable: true, ...seen, standbys: [standby], connections: null });
	const nothing = { version: null, address: null, port: null, commitsWaitFor: null, standbys: null, connections: null };
	expect(await statusOf(UNREACHABLE)).toEqual({ reachable: false, ...nothing });
});

it("has what a member says of its messages, and no more than is documented of one that says more", async () => {
	const kinds = { hints: 2, looks: 3, answers: 4, beats: 5 };
	const counts = { handedOff: 10, handedOver: 0, late: 1, unsent: 6, missed: 7, refused: 8 };
	const nats = {
		isUp: true,
		server: "nats-1:4222",
		sent: kinds,
		received: { ...kinds, ofLater: 9 },
		...counts,
		ofLater: 9,
	};
	const said: readonly Member["messages"][] = [{ pollMs: 400, nats }, { pollMs: 400, nats: null }, null];
	const { test } = await caller();
	const members = said.map((messages) => ({ ...MEMBER, messages }));
	const presented = presentStatus(
		{ ...(await test.engine.status()), members },
		{ limits: [], warnings: [], database: null },
		{ version: "0.2.0", bodyBytes: () => ({ name: "maxBodyBytesInHand", used: 0, allowed: 1 }) },
	);
	expect(presented.members?.map(({ messages }) => messages)).toEqual([
		{
			pollMs: 400,
			nats: {
				up: true,
				server: "nats-1:4222",
				sent: { deliveries: 10, ...kinds },
				received: { deliveries: 0, ...kinds },
				late: 1,
				refused: 8,
				unsent: 6,
				missed: 7,
			},
		},
		{ pollMs: 400, nats: null },
		null,
	]);
});

const MEMBER: Member = {
	id: "5f0c9a9e-7a1d-4c55-8b0e-2d1c7c1f6f10",
	name: "fanfare-0",
	address: "10.1.4.17",
	port: 8_787,
	version: "0.2.0",
	role: "all",
	state: "live",
	isSelf: true,
	joinDate: 1,
	seenDate: 2,
	seenAgoMs: 3,
	shards: 256,
	duties: ["retention"],
	load: { readyDeliveries: 0, inFlightAttempts: 0, lagMs: 0 },
	messages: null,
};
