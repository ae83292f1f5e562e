// The status of the workspace over HTTP.
import { expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

it("has the state of the engine, and that of the server around it", async () => {
	const warning = { code: "http_allowed" as const, message: "FANFARE_ALLOW_HTTP is set.", projectId: null };
	const connections = { name: "maxConnections", used: 3, allowed: 10 };
	const { call, keys } = await caller({ bodyBytesInHand: 20_000_000 }, null, {
		serverStatus: () => ({ limits: [connections], warnings: [warning] }),
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
