// The sender port in worker threads: each makes its attempts with an HTTP sender of its own, so that one machine's cores are used.
//
// What is shared by all attempts stays shared: name look-ups are made here, and sockets are counted in memory that all threads see. The
// connections of a project to an origin are in one thread. Other limits are divided by the number of threads.
import type { Clock } from "../../../core/clock.ts";
import type { AttemptEnded, AttemptRequest } from "../../../ports/sender.ts";
import type { AddressGuard } from "../address-guard.ts";
import { failed, type HttpSender, type HttpSenderOptions } from "../http-sender.ts";
import { NameLookup } from "../name-lookup.ts";
import { MAX_OPENING } from "../openings.ts";
import { createProxyBypass } from "../proxy-bypass.ts";
import { parseProxy } from "../proxy.ts";
import { SendFailure } from "../send-failure.ts";
import type { ThreadData } from "./messages.ts";
import { SenderLink } from "./sender-link.ts";
import { usageMemory, usageOfAll } from "./shared-usage.ts";
import { ThreadOfOrigin } from "./thread-of-origin.ts";

/** With fewer connections that open at once, a few projects whose receivers hang would take them all. */
const LEAST_OPENING = 64;

export interface ThreadedSenderOptions extends Omit<HttpSenderOptions, "names" | "usage" | "maxOpening"> {
	/** Threads get its rules, and others by `recheck`. */
	readonly guard: AddressGuard;
	/** Times look-ups and the batches to the threads. */
	readonly clock: Clock;
	/** How many threads make attempts, at least one. */
	readonly threads: number;
	/** Their program, which calls `serveRequests`. */
	readonly program: URL;
}

/** A sender whose threads are running. */
export interface ThreadedSender extends HttpSender {
	/** Resolves when all threads take requests, which may be sent before. Rejects if one of them ends first. */
	readonly ready: Promise<void>;
	/**
	 * Resolves with the reason if a thread ends although nobody has closed the sender. Its attempts are `aborted`, and so is each further
	 * one that it should make. Stays pending otherwise, also after `close`.
	 */
	readonly died: Promise<Error>;
}

/**
 * Opens a sender like `openHttpSender`, in threads of its own. Throws a `TypeError` for a proxy that is not valid.
 *
 * @example
 * const sender = openThreadedSender({ guard, clock, threads: 2, program: new URL("./sender-thread.ts", import.meta.url) });
 * void sender.died.then((error) => console.error(error.message));
 */
export function openThreadedSender(options: ThreadedSenderOptions): ThreadedSender {
	const { guard, clock, threads, program, lookup, proxy, noProxy = [] } = options;
	// The threads parse them, too, but there is nobody whom an error could tell.
	if (proxy !== undefined) parseProxy(proxy);
	createProxyBypass(noProxy);
	const usage = usageMemory(threads);
	const names = new NameLookup(clock, lookup);
	const threadOf = new ThreadOfOrigin(threads);
	const links = Array.from({ length: threads }, (_, index): SenderLink => {
		const data = dataOf(options, usage, index);
		return new SenderLink({ program, data, clock, names, onCrowded: (count) => closeFreeExcept(index, count) });
	});
	const ready = allReady(links);
	// Whoever waits for it learns of the failure, which may come before.
	ready.catch(() => {});
	const numbers = new Int32Array(usage);
	let closing: Promise<void> | null = null;

	function closeFreeExcept(index: number, count: number): void {
		for (const [other, link] of links.entries()) if (other !== index) link.closeFree(count);
	}

	function send(request: AttemptRequest, ended: AttemptEnded): void {
		if (request.signal?.aborted)
			return ended(failed(new SendFailure("aborted", "the attempt was aborted before it was sent")));
		const index = threadOf.indexOf(request.projectId, request.url);
		const link = links[index];
		if (link === undefined) throw new RangeError(`there is no thread ${index}`);
		link.send(request, ended);
	}

	async function close(): Promise<void> {
		await Promise.all(links.map((link) => link.close()));
	}

	return {
		ready,
		died: Promise.race(links.map(({ died }) => died)),
		send,
		abort() {
			for (const link of links) link.abort();
		},
		recheck() {
			for (const link of links) link.recheck(guard.rules);
		},
		stats: () => ({ exchanges: links.reduce((sum, { exchanges }) => sum + exchanges, 0), ...usageOfAll(numbers) }),
		close: () => (closing ??= close()),
	};
}

async function allReady(links: readonly SenderLink[]): Promise<void> {
	await Promise.all(links.map(({ ready }) => ready));
}

/** A thread gets its part of what is divided, rounded up. */
function dataOf(options: ThreadedSenderOptions, usage: SharedArrayBuffer, index: number): ThreadData {
	const { guard, threads, proxy, noProxy, connectTimeoutMs, poolIdleMs, ca, connectionsPerPool } = options;
	const { maxPools = 1_024, maxSockets = Infinity } = options;
	return {
		options: {
			...(proxy !== undefined && { proxy }),
			...(noProxy !== undefined && { noProxy }),
			...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
			...(poolIdleMs !== undefined && { poolIdleMs }),
			...(ca !== undefined && { ca }),
			...(connectionsPerPool !== undefined && { connectionsPerPool }),
			maxSockets,
			maxPools: Math.ceil(maxPools / threads),
			maxOpening: Math.max(LEAST_OPENING, Math.ceil(MAX_OPENING / threads)),
		},
		rules: guard.rules,
		index,
		usage,
	};
}
