// A receiver closes keep-alive connections between requests.
import { hostileFault } from "../../harness/hostile.ts";
import { succeeds } from "../../harness/webhook-kinds.ts";

const PARTS = ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"];

/** It closes without `connection: close`, so the next request may already have been sent, and may or may not get a response. */
export const receiverCloses = hostileFault(
	"receiver-closes",
	"a receiver that closes keep-alive connections between requests without notice",
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
