// A receiver responds with 410.
import { hostileFault } from "../../harness/hostile.ts";
import { replies } from "../../harness/webhook-kinds.ts";

export const receiver410 = hostileFault(
	"receiver-410",
	"a receiver that responds with 410: its webhook is disabled, and later deliveries are Held",
	() => ({ act: () => replies(410), mayEnd: () => ["Failed", "Held"] }),
	{
		verify: async (round) => {
			const webhook = await round.project.batch.webhooks.get(round.webhook("hostile").id);
			round.expect(webhook.status === "Disabled", `after a 410 the webhook is ${webhook.status}`);
		},
	},
);
