// A receiver resets connections.
import { answers } from "@fanfare/testkit/receiver";

import { hostileFault } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

export const receiverResets = hostileFault(
	"receiver-resets",
	"a receiver that resets the connection before its response, or in the middle of it",
	() => ({
		act: ({ random }) => ({ answer: random() < 0.5 ? { kind: "reset" } : answers.resetMidBody(), status: 0 }),
		mayEnd: fails,
		attemptsUntilFailed: 2,
	}),
);
