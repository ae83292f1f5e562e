// A receiver sends a compressed body that expands to 10 MB.
import { answers } from "@fanfare/testkit/receiver";

import { hostileFault } from "../../harness/hostile.ts";
import { succeeds } from "../../harness/webhook-kinds.ts";

export const receiverGzipBomb = hostileFault(
	"receiver-gzip-bomb",
	"a receiver whose compressed response expands to 10 MB",
	() => {
		const answer = answers.gzipBomb();
		return { act: () => ({ answer, status: 200 }), mayEnd: succeeds };
	},
);
