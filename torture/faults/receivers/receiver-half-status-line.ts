// A receiver stops in the middle of the status line.
import { answers } from "@fanfare/testkit/receiver";

import { hostileFault } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

export const receiverHalfStatusLine = hostileFault(
	"receiver-half-status-line",
	"a receiver that stops in the middle of the status line",
	() => ({ act: () => ({ answer: answers.halfStatusLine(), status: 0 }), mayEnd: fails, attemptsUntilFailed: 2 }),
);
