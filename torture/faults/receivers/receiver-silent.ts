import { pick } from "../../chance.ts";
import { fails } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverSilent = hostileFault(
	"receiver-silent",
	"a receiver that takes connections and says nothing, reads nothing, closes or resets them",
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
