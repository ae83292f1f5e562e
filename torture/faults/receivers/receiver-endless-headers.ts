import { answers } from "@fanfare/testkit/receiver";

import { fails } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverEndlessHeaders = hostileFault(
	"receiver-endless-headers",
	"a receiver whose headers never end",
	() => ({
		act: () => ({ answer: answers.endlessHeaders(), status: 0 }),
		mayEnd: fails,
		attemptsUntilFailed: 2,
	}),
);
