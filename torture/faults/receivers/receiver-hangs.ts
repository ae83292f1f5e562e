import { fails } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverHangs = hostileFault("receiver-hangs", "a receiver that never answers", () => ({
	act: () => ({ answer: { kind: "hang" }, status: 0 }),
	mayEnd: fails,
	attemptsUntilFailed: 2,
}));
