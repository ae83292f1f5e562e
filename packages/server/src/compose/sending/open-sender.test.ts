// How many threads make attempts.
import { expect, it } from "vitest";

import { senderThreadsOf } from "./open-sender.ts";

const AUTO = { senderThreads: null, role: "all" } as const;

it("follows from the cores of the machine", () => {
	const cores = [1, 2, 3, 4, 7, 8, 64];
	expect(cores.map((count) => senderThreadsOf(AUTO, count))).toEqual([0, 0, 1, 1, 1, 2, 2]);
});

it("is none in a process that delivers nothing", () => {
	expect(senderThreadsOf({ ...AUTO, role: "api" }, 8)).toBe(0);
	expect(senderThreadsOf({ ...AUTO, role: "worker" }, 8)).toBe(2);
});

it("is what is set, whatever the machine has", () => {
	for (const cores of [1, 64]) {
		expect([0, 3].map((senderThreads) => senderThreadsOf({ senderThreads, role: "api" }, cores))).toEqual([0, 3]);
	}
});
