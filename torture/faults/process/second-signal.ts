// A second signal comes while the server waits for attempts in flight after the first.
import type { Fault } from "../../fault.ts";
import { addHostile } from "../../harness/hostile.ts";
import { replies, succeeds } from "../../harness/webhook-kinds.ts";

const STOPPING = /Stopping/;
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;
const AT_ONCE_MS = 2_000;
const SLOW_MS = 2_500;

export const secondSignal: Fault = {
	name: "second-signal",
	summary: "a second signal while the stop of the first waits for attempts: the server ends at once",
	weight: 1,
	setUp: async (round) => {
		await addHostile(round, {
			spec: { timeoutMs: 5_000, eventTypes: ["order.paid"] },
			// Slow only until the server has ended.
			act: () => replies(200, round.ends.length === 0 ? { delayMs: SLOW_MS } : {}),
			mayEnd: succeeds,
		});
	},
	strike: async (round) => {
		const signal = round.random("signal")() < 0.5 ? "SIGTERM" : "SIGINT";
		await round.load(20);
		round.server.kill(signal);
		await round.server.waitForStderr(STOPPING);
		const signalledAt = Date.now();
		round.server.kill(signal);
		const { code } = await round.server.exited;
		const tookMs = Math.round(round.time.between(signalledAt, Date.now()));
		round.expect(code === EXIT_CODES[signal], `a second ${signal} ended the server with code ${code}`);
		round.expect(tookMs < AT_ONCE_MS, `a second ${signal} took ${tookMs} ms`);
		await round.ended("forced");
		await round.restart();
	},
};
