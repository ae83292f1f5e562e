// A receiver redirects to blocked addresses.
import { answers } from "@fanfare/testkit/receiver";

import { hostileFault } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

export const receiverRedirects = hostileFault(
	"receiver-redirects",
	"a receiver that redirects to blocked addresses",
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
