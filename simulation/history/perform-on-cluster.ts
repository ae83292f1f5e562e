// Steps that change who shares the work, and how well they reach each other and the store.
import { shardOf } from "../../packages/server/src/core/cluster/shard.ts";
import { at } from "./choose.ts";
import type { ClusterAction } from "./cluster-steps.ts";
import { performSend } from "./perform-send.ts";
import type { Player } from "./player.ts";

/** More than any rate limit of a history lets through in a second. */
const RUSH = 15;

/** The step's engine is the player's present one. Does nothing if there is one engine. */
export async function performOnCluster(player: Player, action: ClusterAction): Promise<void> {
	const { run, world } = player;
	if (world.sharing === null) return;
	const { cluster } = world.sharing;
	switch (action.do) {
		case "join":
			return player.join();
		case "leave":
			// The last one stays.
			if (player.runs.length > 1) await player.stop(run, action.graceMs);
			return;
		case "kill":
			return player.die(run);
		case "freeze":
			run.freeze();
			world.clock.after(action.ms, () => run.thaw());
			return;
		case "cut":
			run.cut();
			world.clock.after(action.ms, () => run.mend());
			return;
		case "blind":
			run.blind();
			world.clock.after(action.ms, () => run.see());
			return;
		case "swap":
			return cluster.swap(action.count);
		case "rush":
			return rush(player, action);
		case "wire":
			cluster.wireMode = action.mode;
	}
}

/** Only a webhook whose limit was never lifted, since no other one's is checked. */
async function rush(player: Player, { webhook: index, ms }: Extract<ClusterAction, { do: "rush" }>): Promise<void> {
	const { book, world } = player;
	const webhooks = book.liveWebhooks();
	const limited = webhooks.filter(
		({ rates }) => rates.length > 0 && rates.every(({ perSecond }) => perSecond !== null),
	);
	const webhook = at(limited, index);
	const project = book.liveProjects().findIndex((each) => each === webhook?.project);
	if (webhook === undefined || project < 0) return;
	const target = webhooks.filter((each) => each.project === webhook.project).indexOf(webhook);
	const events = { count: RUSH, type: "order.paid", hasKey: false, targets: [target], customers: "*" } as const;
	performSend(player, { do: "send", project, ...events });
	await world.clock.advance(ms, () => !player.isRunning);
	world.sharing?.cluster.move(shardOf(webhook.id));
}
