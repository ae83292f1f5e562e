import { answers } from "../../packages/server/test/receiver.ts";
import { fails } from "../harness/webhook-kinds.ts";
import { hostileFault } from "./hostile.ts";

export const receiverEndlessHeaders = hostileFault(
	"receiver-endless-headers",
	"a receiver whose headers never end",
	() => ({
		act: () => ({ answer: answers.endlessHeaders(), status: 0 }),
		mayEnd: fails,
		attemptsUntilFailed: 2,
	}),
);
