// A receiver responds with bytes that are not HTTP.
import { answers } from "@fanfare/testkit/receiver";

import { hostileFault } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

export const receiverGarbage = hostileFault(
	"receiver-garbage",
	"a receiver that responds with bytes that are not HTTP",
	() => ({
		act: () => ({ answer: answers.garbage(), status: 0 }),
		mayEnd: fails,
		attemptsUntilFailed: 2,
	}),
);
