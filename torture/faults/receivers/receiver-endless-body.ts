import { answers } from "@fanfare/testkit/receiver";

import { succeeds } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverEndlessBody = hostileFault(
	"receiver-endless-body",
	"a receiver whose answer never ends: 64 KiB are read, its status counts",
	() => ({ act: () => ({ answer: answers.endlessBody(), status: 200 }), mayEnd: succeeds }),
);
