// A receiver accepts connections and does not speak HTTP on them.
import { pick } from "@fanfare/testkit/seeded-random";

import { hostileFault } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

export const receiverSilent = hostileFault(
	"receiver-silent",
	"a receiver that accepts connections and then writes nothing, reads nothing, closes or resets them",
	async (round) => {
		const receiver = await round.addReceiver();
		receiver.greeting = pick(round.random("greeting"), ["silent", "ignore", "reset", "close"] as const);
		return {
			endpoint: `${receiver.url}/hostile`,
			act: () => ({ answer: { kind: "hang" }, status: 0 }),
			mayEnd: fails,
			attemptsUntilFailed: 2,
		};
	},
);
