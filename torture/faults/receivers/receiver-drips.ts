// A receiver sends its response very slowly.
import { hostileFault } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

export const receiverDrips = hostileFault(
	"receiver-drips",
	"a receiver that sends one byte of its response per second",
	() => ({
		act: () => ({ answer: { body: "far too slow", dripMs: 1_000 }, status: 0 }),
		mayEnd: fails,
		attemptsUntilFailed: 2,
	}),
);
