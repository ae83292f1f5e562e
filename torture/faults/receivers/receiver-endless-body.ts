// A receiver sends a response body that never ends.
import { answers } from "@fanfare/testkit/receiver";

import { hostileFault } from "../../harness/hostile.ts";
import { succeeds } from "../../harness/webhook-kinds.ts";

export const receiverEndlessBody = hostileFault(
	"receiver-endless-body",
	"a receiver whose response body never ends: 64 KiB are read, and the status code counts",
	() => ({ act: () => ({ answer: answers.endlessBody(), status: 200 }), mayEnd: succeeds }),
);
