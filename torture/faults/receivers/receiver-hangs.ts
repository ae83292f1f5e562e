// A receiver never responds.
import { hostileFault } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

export const receiverHangs = hostileFault("receiver-hangs", "a receiver that never responds", () => ({
	act: () => ({ answer: { kind: "hang" }, status: 0 }),
	mayEnd: fails,
	attemptsUntilFailed: 2,
}));
