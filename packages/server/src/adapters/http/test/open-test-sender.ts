// A sender for tests. It may call loopback addresses, and fails the test if an outcome's reason contains a secret. With TEST_SENDER=thread
// it makes its attempts in a thread: see vitest.rest.config.ts.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";

import { attemptOnce, type AttemptOutcome, type AttemptRequest } from "../../../ports/sender.ts";
import { systemClock } from "../../system/system-clock.ts";
import { createAddressGuard } from "../address-guard.ts";
import { openHttpSender, type HttpSender, type HttpSenderOptions } from "../http-sender.ts";
import { openThreadedSender } from "../thread/threaded-sender.ts";

export interface TestSender extends AsyncDisposable, Pick<HttpSender, "stats" | "abort" | "close"> {
	/** Sends `body` to a URL for the project `PROJECT`. `/hook/…?token=…` is added to a bare origin. No attempt times out by default. */
	send(url: string, request?: Partial<AttemptRequest>): Promise<AttemptOutcome>;
}

export const PROJECT = "proj_00000000000000000000000000000001";
/** Part of every request's path, query, headers and body. It must not appear in any reason. */
const SECRET = "s3cret";

const IN_THREAD = process.env["TEST_SENDER"] === "thread";
/** The program of the threads. */
export const THREAD = new URL("../../../compose/sending/sender-thread.ts", import.meta.url);

let skip = (why: string): void => {
	throw new Error(why);
};

/** Sets how the current test is skipped. Programs that use this file have no test. */
export function skipBy(how: (why: string) => void): void {
	skip = how;
}

/** Skips a test that can't be made where attempts are made in a thread. */
export function notInThread(why: string): void {
	if (IN_THREAD) skip(why);
}

/** Opens the sender that is tested. */
export function openSender(options: HttpSenderOptions): HttpSender {
	if (options.clock !== systemClock) notInThread("no test moves the clock of another thread");
	return IN_THREAD ? openThreadedSender({ ...options, threads: 1, program: THREAD }) : openHttpSender(options);
}

export function openTestSender(options: Partial<HttpSenderOptions> = {}): TestSender {
	const guard = createAddressGuard({ allowNetworks: ["127.0.0.0/8", "::1"], allowHttp: true });
	const sender = openSender({ guard, clock: systemClock, ...options });
	return {
		async send(url, request) {
			const outcome = await attemptOnce(sender, {
				projectId: PROJECT,
				url: /^\w+:\/\/[^/]+$/.test(url) ? `${url}/hook/${SECRET}?token=${SECRET}` : url,
				headers: { "content-type": "application/json", "x-token": SECRET },
				body: Buffer.from(`{"secret":"${SECRET}"}`),
				timeoutMs: DEADLINE_MS,
				...request,
			});
			if (outcome.reason?.includes(SECRET)) throw new Error(`the reason contains a secret: ${outcome.reason}`);
			return outcome;
		},
		stats: () => sender.stats(),
		abort: () => sender.abort(),
		close: () => sender.close(),
		[Symbol.asyncDispose]: () => sender.close(),
	};
}
