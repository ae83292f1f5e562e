import { answers } from "../../packages/server/test/receiver.ts";
import { fails } from "../harness/webhook-kinds.ts";
import { hostileFault } from "./hostile.ts";

export const receiverGarbage = hostileFault("receiver-garbage", "a receiver that answers what is not HTTP", () => ({
	act: () => ({ answer: answers.garbage(), status: 0 }),
	mayEnd: fails,
	attemptsUntilFailed: 2,
}));
