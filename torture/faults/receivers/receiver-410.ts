import { replies } from "../../harness/webhook-kinds.ts";
import { hostileFault } from "../world/hostile.ts";

export const receiver410 = hostileFault(
	"receiver-410",
	"a receiver that answers 410: its webhook is disabled and holds what comes after",
	() => ({ act: () => replies(410), mayEnd: () => ["Failed", "Held"] }),
	{
		verify: async (round) => {
			const webhook = await round.project.batch.webhooks.get(round.webhook("hostile").id);
			round.expect(webhook.status === "Disabled", `after a 410 the webhook is ${webhook.status}`);
		},
	},
);
