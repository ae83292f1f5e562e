import { answers } from "@fanfare/testkit/receiver";

import { fails } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverResets = hostileFault(
	"receiver-resets",
	"a receiver that resets the connection before its answer, or in the middle of it",
	() => ({
		act: ({ random }) => ({ answer: random() < 0.5 ? { kind: "reset" } : answers.resetMidBody(), status: 0 }),
		mayEnd: fails,
		attemptsUntilFailed: 2,
	}),
);
