// A receiver sends response headers that never end.
import { answers } from "@fanfare/testkit/receiver";

import { hostileFault } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

export const receiverEndlessHeaders = hostileFault(
	"receiver-endless-headers",
	"a receiver whose headers never end",
	() => ({
		act: () => ({ answer: answers.endlessHeaders(), status: 0 }),
		mayEnd: fails,
		attemptsUntilFailed: 2,
	}),
);
