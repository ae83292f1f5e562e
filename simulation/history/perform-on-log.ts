// Steps that change what is in the log: deliveries, replays, payloads.
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import type { DeliveryFilter } from "../../packages/server/src/ports/store/log.ts";
import { ANY_DELIVERY, readDeliveries } from "../model/read-log.ts";
import { at } from "./choose.ts";
import { changeIn, type Player } from "./player.ts";
import type { Action } from "./steps.ts";

type LogAction = Extract<
	Action,
	{ do: "cancel" | "retry" | "cancel many" | "retry many" | "replay" | "cancel replay" | "erase" }
>;

export async function performOnLog(player: Player, action: LogAction): Promise<void> {
	switch (action.do) {
		case "cancel":
		case "retry":
			return changeOne(player, action);
		case "cancel many":
		case "retry many":
			return changeMany(player, action);
		case "replay":
			return replay(player, action);
		case "cancel replay":
			return cancelReplay(player, action.replay);
		case "erase":
			return erase(player, action.event);
	}
}

async function changeOne(player: Player, action: Extract<LogAction, { do: "cancel" | "retry" }>): Promise<void> {
	const { book } = player;
	const { number: run } = player.run;
	const filter = { status: action.status };
	const lists = await Promise.all(book.liveProjects().map(({ id }) => readDeliveries(player.world.store, id, filter)));
	const delivery = at(lists.flat(), action.delivery);
	const project = book.projects.get(delivery?.projectId ?? "");
	if (delivery === undefined || project === undefined) return;
	const { id } = delivery;
	if (action.do === "retry") {
		book.retried.add(id);
		book.surelyCancelled.delete(id);
		player.retriedBy.set(
			id,
			player.call((engine) => engine.deliveries.retry(changeIn(project), id)),
		);
		return;
	}
	book.cancelled.add(id);
	const call = player.call((engine) => engine.deliveries.cancel(changeIn(project), id), {
		answered: ({ status }: Delivery) => {
			const isRetried = (player.retriedBy.get(id) ?? 0) > call || player.retriedManyBy > 0;
			if (status === "Cancelled" && !isRetried) book.surelyCancelled.set(id, run);
		},
	});
}

function changeMany(player: Player, action: Extract<LogAction, { do: "cancel many" | "retry many" }>): void {
	const { book } = player;
	const webhook = at(book.liveWebhooks(), action.webhook);
	if (webhook === undefined) return;
	const { project } = webhook;
	const filter: DeliveryFilter = { ...ANY_DELIVERY, status: action.status, webhookId: action.all ? null : webhook.id };
	const changed = action.all ? book.webhooks.filter((other) => other.project === project) : [webhook];
	if (action.do === "cancel many") {
		for (const one of changed) one.cancelledMany = true;
		player.call((engine) => engine.deliveries.cancelMany(changeIn(project), filter));
		return;
	}
	for (const one of changed) one.retriedMany = true;
	book.surelyCancelled.clear();
	player.retriedManyBy = player.call((engine) => engine.deliveries.retryMany(changeIn(project), filter));
}

function replay(player: Player, action: Extract<LogAction, { do: "replay" }>): void {
	const webhook = at(player.book.liveWebhooks(), action.webhook);
	if (webhook === undefined) return;
	const { sinceMs, outcomes, types: eventTypes } = action;
	const request = { since: player.world.clock.now() - sinceMs, until: null, outcomes, eventTypes };
	player.call((engine) => engine.replays.start(changeIn(webhook.project), webhook.id, request));
}

function cancelReplay(player: Player, index: number): void {
	const { book } = player;
	const id = at(book.replays, index);
	const project = at(book.liveProjects(), index);
	if (id === undefined || project === undefined) return;
	player.call((engine) => engine.replays.cancel(changeIn(project), id));
}

function erase(player: Player, index: number): void {
	const { book } = player;
	const event = at(
		[...book.events.values()].filter(({ id }) => !book.purged.has(id)),
		index,
	);
	const project = book.projects.get(event?.projectId ?? "");
	if (event === undefined || project === undefined || project.deleteIssued) return;
	event.eraseIssued = true;
	player.call((engine) => engine.events.erasePayload(changeIn(project), event.id), {
		answered: () => (event.erased = true),
	});
}
