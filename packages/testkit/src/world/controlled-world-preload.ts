// Loaded before the server, in each thread of its process: replaces the system's clock and name look-ups by those of a
// `ControlledWorld` in the test process, and makes its commits slow. The server's own code has no hooks for this.
import dns, { type LookupAddress } from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync } from "node:sqlite";
import { BroadcastChannel, getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

import type { FromPreload, ToPreload } from "./controlled-world.ts";

const OFFSET = "fanfare-torture-offset";
/** Names that only the test process can resolve. */
const OWN_NAME = /\.torture\.test$/;

const realNow = Date.now;
let offsetMs = Number(getEnvironmentData(OFFSET) ?? process.env["TORTURE_CLOCK_OFFSET_MS"] ?? 0);
/** How long each commit waits for the disk: shared, since a thread that has work without a pause hears no message. */
const SYNC_DELAY = "fanfare-torture-sync-delay";
const syncDelay =
	(getEnvironmentData(SYNC_DELAY) as Int32Array | undefined) ?? new Int32Array(new SharedArrayBuffer(4));
const channel = new BroadcastChannel(OFFSET);
channel.unref();

Date.now = () => realNow() + offsetMs;
globalThis.Date = new Proxy(Date, {
	construct: (target, args, newTarget) =>
		Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget) as object,
});

/** Look-ups that wait for the test process's answer. */
const waiting = new Map<number, (addresses: readonly string[]) => void>();
let lastId = 0;
const systemLookup = dns.promises.lookup;

function lookup(hostname: string, options: unknown): Promise<unknown> {
	if (!OWN_NAME.test(hostname)) return systemLookup(hostname, options as dns.LookupAllOptions);
	const id = ++lastId;
	const { promise, resolve } = Promise.withResolvers<readonly string[]>();
	waiting.set(id, resolve);
	say({ type: "lookup", id, hostname });
	return promise.then((addresses) =>
		addresses.map((address): LookupAddress => ({ address, family: address.includes(":") ? 6 : 4 })),
	);
}

// oxlint-disable-next-line typescript/unbound-method -- called with the database that it was called on
const { prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.prepare = function (sql, ...rest) {
	const statement = prepare.call(this, sql, ...rest);
	if (sql !== "COMMIT") return statement;
	const run = statement.run.bind(statement);
	statement.run = () => {
		const delayMs = Atomics.load(syncDelay, 0);
		if (delayMs > 0) Atomics.wait(syncDelay, 0, delayMs, delayMs);
		return run();
	};
	return statement;
};

function say(message: FromPreload): void {
	process.send?.(message);
}

function hear(message: ToPreload): void {
	if (message.type === "clock") {
		({ offsetMs } = message);
		setEnvironmentData(OFFSET, offsetMs);
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel between threads has no origins
		channel.postMessage(offsetMs);
		say({ type: "clock-set", offsetMs });
		return;
	}
	if (message.type === "sync") {
		Atomics.store(syncDelay, 0, message.delayMs);
		Atomics.notify(syncDelay, 0);
		return;
	}
	waiting.get(message.id)?.(message.addresses);
	waiting.delete(message.id);
}

if (isMainThread) {
	Object.assign(dns.promises, { lookup });
	syncBuiltinESMExports();
	setEnvironmentData(OFFSET, offsetMs);
	setEnvironmentData(SYNC_DELAY, syncDelay);
	process.on("message", (message) => hear(message as ToPreload));
	process.channel?.unref();
} else {
	channel.addEventListener("message", (event) => {
		({ data: offsetMs } = event as unknown as { data: number });
	});
}
