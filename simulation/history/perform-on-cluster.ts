// Steps that change who shares the work, and how well they reach each other and the store.
import { shardOf } from "../../packages/server/src/core/cluster/shard.ts";
import type { WebhookModel } from "../model/book.ts";
import { readDeliveries } from "../model/read-log.ts";
import { at } from "./choose.ts";
import type { ClusterAction } from "./cluster-steps.ts";
import { cancelOne } from "./perform-on-log.ts";
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
		case "rush and cancel":
			return rushAndCancel(player, action);
		case "wire":
			cluster.wireMode = action.mode;
	}
}

/** Its shard moves while most of it waits. */
async function rush(player: Player, { webhook: index, ms }: Extract<ClusterAction, { do: "rush" }>): Promise<void> {
	const { world } = player;
	const webhook = sendMany(player, index);
	if (webhook === undefined) return;
	await world.clock.advance(ms, () => !player.isRunning);
	world.sharing?.cluster.move(shardOf(webhook.id));
}

/** Each is cancelled while its attempt may be about to begin at another engine. */
async function rushAndCancel(
	player: Player,
	{ webhook: index, everyMs }: Extract<ClusterAction, { do: "rush and cancel" }>,
): Promise<void> {
	const { book, world } = player;
	const webhook = sendMany(player, index);
	if (webhook === undefined) return;
	const { id: webhookId, project } = webhook;
	for (let n = 0; n < RUSH; n++) {
		await world.clock.advance(everyMs, () => !player.isRunning);
		if (!player.isRunning) return;
		player.choose(n);
		const waiting = await readDeliveries(world.store, project.id, { webhookId, statuses: ["Pending"] });
		const next = waiting.findLast(({ id }) => !book.cancelled.has(id));
		if (next !== undefined) cancelOne(player, project, next.id);
	}
}

/**
 * Sends more to a webhook than its rate limit lets through in a second. Only to one whose limit was never lifted, since no other one's is checked;
 * undefined if there is none.
 */
function sendMany(player: Player, index: number): (WebhookModel & { readonly id: string }) | undefined {
	const { book } = player;
	const webhooks = book.liveWebhooks();
	const limited = webhooks.filter(
		({ rates }) => rates.length > 0 && rates.every(({ perSecond }) => perSecond !== null),
	);
	const webhook = at(limited, index);
	const project = book.liveProjects().findIndex((each) => each === webhook?.project);
	if (webhook === undefined || project < 0) return undefined;
	const target = webhooks.filter((each) => each.project === webhook.project).indexOf(webhook);
	const events = { count: RUSH, type: "order.paid", hasKey: false, targets: [target], customers: "*" } as const;
	performSend(player, { do: "send", project, ...events });
	return webhook;
}
