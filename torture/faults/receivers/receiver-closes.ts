import { succeeds } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

const PARTS = ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"];

/** It does not announce that it closes, so the next request may be on its way: whether that one gets its answer is up to chance. */
export const receiverCloses = hostileFault(
	"receiver-closes",
	"a receiver that closes kept connections between requests without a word",
	() => ({
		spec: { eventTypes: ["order.*", "hostile.*"], retries: { maxRetries: 20, maxRetryDelay: 30 } },
		act: ({ random }) => ({
			answer: random() < 0.5 ? { kind: "raw", parts: PARTS, after: "end" } : { status: 200 },
			status: 200,
			certain: false,
		}),
		mayEnd: succeeds,
	}),
);
