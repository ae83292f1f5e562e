import { fails } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverDrips = hostileFault("receiver-drips", "a receiver that answers a byte a second", () => ({
	act: () => ({ answer: { body: "far too slow", dripMs: 1_000 }, status: 0 }),
	mayEnd: fails,
	attemptsUntilFailed: 2,
}));
