import { answers } from "@fanfare/testkit/receiver";

import { fails } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiverRedirects = hostileFault(
	"receiver-redirects",
	"a receiver that redirects to addresses that must not be called",
	(round) => ({
		act: ({ n }) => {
			const status = [301, 302, 303, 307, 308][n % 5] ?? 302;
			const host = round.canaries.hosts[n % round.canaries.hosts.length] ?? "";
			return { answer: answers.redirect(`http://${host}/`, status), status };
		},
		mayEnd: fails,
		attemptsUntilFailed: 2,
	}),
);
