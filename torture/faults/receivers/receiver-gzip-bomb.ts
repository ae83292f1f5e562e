import { answers } from "@fanfare/testkit/receiver";

import { succeeds } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverGzipBomb = hostileFault("receiver-gzip-bomb", "a receiver whose answer expands to 10 MB", () => {
	const answer = answers.gzipBomb();
	return { act: () => ({ answer, status: 200 }), mayEnd: succeeds };
});
