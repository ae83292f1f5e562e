// The status of a real server: its files, its volume, its connections, and the warnings of its settings.
import { statSync } from "node:fs";

import { expect, it } from "vitest";

import { startHere } from "./server-here.ts";

it("shows the store's files and volume, connections, and settings that open more than public https addresses", async () => {
	await using server = await startHere({
		FANFARE_ALLOW_NETWORKS: "127.0.0.1,10.9.8.0/24",
		FANFARE_ALLOW_HOSTS: "billing.internal",
		FANFARE_ALLOW_FOR_CUSTOMERS: "true",
	});
	await server.project.events.send({ type: "a", data: 1 });
	const status = await server.client.getStatus();
	const { fileBytes, freeBytes, volumeBytes, storedBytes } = status.store;
	expect(fileBytes).toBeGreaterThanOrEqual(statSync(`${server.running.dataDir}/fanfare.db`).size);
	expect(volumeBytes).toBeGreaterThanOrEqual(freeBytes ?? Infinity);
	expect(storedBytes).toBeGreaterThan(0);
	expect(status.commits.count).toBeGreaterThan(0);
	expect(status.commits.p99Ms).toBeGreaterThan(0);
	const connections = status.limits.find(({ name }) => name === "maxConnections");
	expect(connections?.used).toBeGreaterThan(0);
	expect(connections?.allowed).toBeGreaterThan(1);
	const settings = ["http_allowed", "networks_allowed", "hosts_allowed", "customers_allowed"];
	expect(status.warnings.map(({ code }) => code).filter((code) => settings.includes(code))).toEqual(settings);
	// What is allowed is for those who administer the server.
	expect(JSON.stringify(status)).not.toMatch(/10\.9\.8|billing\.internal/);
});
