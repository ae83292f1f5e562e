// The receiver's failures, which are the same in every run.
import { createHash } from "node:crypto";

/** What the receiver does with an attempt: `fail` responds with 500, `reset` resets the connection, `slow` accepts late. */
export type Fate = "accept" | "slow" | "fail" | "reset";

const SEED = "fanfare-demo-1";
const FAIL_SHARE = 0.05;
const RESET_SHARE = 0.01;
const SLOW_SHARE = 0.01;

/** The fate of the first attempt for order `orderId`. Later attempts are accepted. */
export function firstFate(orderId: number): Fate {
	const x = createHash("sha256").update(`${SEED}:${orderId}`).digest().readUInt32BE() / 2 ** 32;
	if (x < FAIL_SHARE) return "fail";
	if (x < FAIL_SHARE + RESET_SHARE) return "reset";
	return x < FAIL_SHARE + RESET_SHARE + SLOW_SHARE ? "slow" : "accept";
}
