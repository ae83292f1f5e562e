// Senders send far more events at the same time than may wait.
import type { Fault } from "../../fault.ts";
import { rawEvent, sendRaw } from "../../harness/raw-sends.ts";

const AT_ONCE = 100;
const BURSTS = 3;

export const overload: Fault = {
	name: "overload",
	summary: "far more sends than may wait: the excess gets 503 with Retry-After, and accepted events are kept",
	weight: 1,
	prepare: (round) => {
		round.env["FANFARE_MAX_WAITING_SENDS"] = "4";
	},
	strike: async (round) => {
		let refused = 0;
		for (let n = 0; n < BURSTS; n++) {
			const sends = Array.from({ length: AT_ONCE }, () => sendRaw(round, rawEvent(round, "burst.event")));
			for (const { status, json, headers } of await Promise.all(sends)) {
				if (status === 202) continue;
				refused++;
				const { code } = json as { code?: string };
				round.expect(status === 503 && code === "overloaded", `an overloaded server responded with ${status} ${code}`);
				round.expect(/^\d+$/.test(headers.get("retry-after") ?? ""), "a 503 had no Retry-After");
			}
		}
		round.expect(refused > 0, "no send was refused");
	},
};
