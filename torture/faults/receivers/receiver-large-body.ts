// A receiver responds with a body of 20 MB.
import { hostileFault } from "../../harness/hostile.ts";
import { succeeds } from "../../harness/webhook-kinds.ts";

const BYTES = 20_000_000;

export const receiverLargeBody = hostileFault("receiver-large-body", "a receiver that responds with 20 MB", () => {
	const body = Buffer.alloc(BYTES, "b");
	return { act: () => ({ answer: { body }, status: 200 }), mayEnd: succeeds };
});
