// Steps of clients of the live stream: they come, are disconnected, and come back.
import { at } from "./choose.ts";
import type { Player } from "./player.ts";
import type { Action } from "./steps.ts";

type LiveAction = Extract<Action, { do: "watch" | "disconnect" }>;

const MAX_CLIENTS = 5;

export function performOnLive(player: Player, action: LiveAction): void {
	const { live, run } = player;
	const { engine } = run;
	if (engine === null || !run.alive) return;
	const connecting = { run, engine, isCalm: run.store.idle };
	if (action.do === "watch") {
		const client = add(player, action);
		if (client !== undefined) live.connect(client, connecting);
		return;
	}
	const client = at(live.clients, action.client);
	if (client === undefined || client.project.deleteIssued) return;
	if (client.isConnected) live.disconnect(client);
	else live.connect(client, connecting);
}

function add({ book, keys, live }: Player, action: Extract<LiveAction, { do: "watch" }>) {
	const project = at(book.liveProjects(), action.project);
	if (project === undefined || live.clients.length >= MAX_CLIENTS) return undefined;
	const { kinds, types: eventTypes } = action;
	const webhooks = book.liveWebhooks().filter((webhook) => webhook.project === project);
	const webhookId = action.webhook === null ? null : (at(webhooks, action.webhook)?.id ?? null);
	const usable = keys.live.filter((key) => key.project === null || key.project === project);
	return live.add(project, { kinds, customerId: null, webhookId, eventTypes }, at(usable, action.key) ?? null);
}
