import { answers } from "@fanfare/testkit/receiver";

import { fails } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverGarbage = hostileFault("receiver-garbage", "a receiver that answers what is not HTTP", () => ({
	act: () => ({ answer: answers.garbage(), status: 0 }),
	mayEnd: fails,
	attemptsUntilFailed: 2,
}));
