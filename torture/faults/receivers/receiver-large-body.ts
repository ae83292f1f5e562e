import { succeeds } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

const BYTES = 20_000_000;

export const receiverLargeBody = hostileFault("receiver-large-body", "a receiver that answers with 20 MB", () => {
	const body = Buffer.alloc(BYTES, "b");
	return { act: () => ({ answer: { body }, status: 200 }), mayEnd: succeeds };
});
