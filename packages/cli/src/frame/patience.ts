// How long a command waits for a server that does not answer: it says so after some seconds, and gives up after a while.
import type { ClientOptions } from "@fanfare/sdk";
import { InvalidArgumentError } from "commander";

import { onStderr } from "../text/style.ts";
import { parseDuration, shortDuration } from "../text/times.ts";
import { usageError } from "./failure.ts";

/** The variable with the time limit. */
const VARIABLE = "FANFARE_TIMEOUT";
const DEFAULT_MS = 30_000;
const SHORTEST_MS = 100;
const LONGEST_MS = 3_600_000;
/** People begin to wonder. */
const SILENT_MS = 3_000;

/** A call that goes on after so long is a new one, and no retry of the one that was given up. */
const RETRY_WITHIN_MS = 10_000;

/** A call without an answer, in monotonic time. */
interface Owed {
	readonly since: number;
	readonly givenUpAt?: number;
}

/** How long the server may be silent, from the environment. */
export function timeoutOf(variable = VARIABLE, byDefault = DEFAULT_MS, env: NodeJS.ProcessEnv = process.env): number {
	const text = env[variable];
	if (text === undefined || text === "") return byDefault;
	try {
		const ms = parseDuration(text);
		if (ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;
	} catch (error) {
		if (!(error instanceof InvalidArgumentError)) throw error;
	}
	throw usageError(`${variable} must be a duration from 100ms to 1h such as 30s; got ${JSON.stringify(text)}.`);
}

/**
 * Options of a client that is patient for this long. The SDK retries a call after a time-out: such a retry fails at once here, so that the
 * limit is one for all tries together. `say` tells people that the command waits; null if nobody is to be told.
 */
export function patient(url: string, timeoutMs: number, say: ((line: string) => void) | null): ClientOptions {
	/** The calls that the server owes an answer, by method and address. */
	const owed = new Map<string, Owed>();
	let hasSaid = say === null;
	return {
		endpoint: url,
		timeoutMs,
		fetch: async (address, init) => {
			const call = `${init.method} ${address}`;
			const begin = performance.now();
			const earlier = owed.get(call);
			const isRetry = earlier?.givenUpAt !== undefined && begin - earlier.givenUpAt < RETRY_WITHIN_MS;
			const since = isRetry ? earlier.since : begin;
			if (begin - since >= timeoutMs)
				throw new Error(`the server has not answered for ${shortDuration(timeoutMs)} (${VARIABLE})`);
			owed.set(call, { since });
			const timer = setTimeout(() => {
				if (hasSaid) return;
				hasSaid = true;
				say?.(`${onStderr("yellow", "…")} Waiting for ${url}, for ${shortDuration(timeoutMs)} at most (${VARIABLE})`);
			}, SILENT_MS);
			try {
				const response = await fetch(address, init);
				owed.delete(call);
				return response;
			} catch (error) {
				// A connection that fails is an answer, too. Only one that was given up is not.
				if (init.signal.aborted) owed.set(call, { since, givenUpAt: performance.now() });
				else owed.delete(call);
				throw error;
			} finally {
				clearTimeout(timer);
			}
		},
	};
}
