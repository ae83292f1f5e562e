// Loaded into a server's process before the server, in each of its threads: moves its clock by TESTKIT_CLOCK_OFFSET_MS.
// Timers run as usual, and so does the clock from then on.
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

/** Threads of the server have an empty environment. */
const OFFSET = "fanfare-testkit-offset";

if (isMainThread) setEnvironmentData(OFFSET, Number(process.env["TESTKIT_CLOCK_OFFSET_MS"] ?? 0));
const offsetMs = Number(getEnvironmentData(OFFSET));
const realNow = Date.now;

Date.now = () => realNow() + offsetMs;
globalThis.Date = new Proxy(Date, {
	construct: (target, args, newTarget) =>
		Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget) as object,
});
