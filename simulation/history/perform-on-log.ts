// Steps that change what is in the log: deliveries, replays, payloads.
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import type { Replay } from "../../packages/server/src/core/replay.ts";
import type { ManyChanged } from "../../packages/server/src/engine/calls.ts";
import { ANY_DELIVERY } from "../../packages/server/src/ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../packages/server/src/ports/store/log.ts";
import type { ProjectModel } from "../model/book.ts";
import { readDeliveries } from "../model/read-log.ts";
import { at } from "./choose.ts";
import type { Player } from "./player.ts";
import type { Action } from "./steps.ts";

type LogAction = Extract<
	Action,
	{ do: "cancel" | "retry" | "cancel many" | "retry many" | "replay" | "cancel replay" | "erase" }
>;

/** An acknowledged change of a delivery may have changed nothing, because something else was faster. */
const MAYBE = { hasChanged: () => false, readsAfterwards: true } as const;

/** The share of erasures in whose second step the process dies, if they have one. */
const DIES_SHARE = 0.25;

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
	const filter = { statuses: action.status === null ? null : [action.status] };
	const lists = await Promise.all(book.liveProjects().map(({ id }) => readDeliveries(player.world.store, id, filter)));
	const delivery = at(lists.flat(), action.delivery);
	const project = book.projects.get(delivery?.projectId ?? "");
	if (delivery === undefined || project === undefined) return;
	if (action.do === "retry") retryOne(player, project, delivery.id);
	else cancelOne(player, project, delivery.id);
}

/** Asks the player's present engine to cancel a delivery. */
export function cancelOne(player: Player, project: ProjectModel, id: string): void {
	const { book } = player;
	const { number: run } = player.run;
	book.cancelled.add(id);
	const managed = { action: "delivery.cancel", project, objectId: id, ...MAYBE };
	const isRetrying = (player.retriesUnderWay.get(id) ?? 0) > 0;
	const call = player.manage(managed, (engine, change) => engine.deliveries.cancel(change, id), {
		answered: ({ status }: Delivery) => {
			const isRetried = isRetrying || (player.retriedBy.get(id) ?? 0) > call || player.retriedManyBy > 0;
			if (status === "Cancelled" && !isRetried) book.surelyCancelled.set(id, run);
		},
	});
}

function retryOne(player: Player, project: ProjectModel, id: string): void {
	const { book, retriesUnderWay, retriedBy } = player;
	book.retried.add(id);
	book.surelyCancelled.delete(id);
	retriesUnderWay.set(id, (retriesUnderWay.get(id) ?? 0) + 1);
	const over = () => void retriesUnderWay.set(id, (retriesUnderWay.get(id) ?? 0) - 1);
	const managed = { action: "delivery.retry", project, objectId: id, ...MAYBE };
	const outcomes = { answered: over, refused: over, lost: over };
	retriedBy.set(
		id,
		player.manage(managed, (engine, change) => engine.deliveries.retry(change, id), outcomes),
	);
}

function changeMany(player: Player, action: Extract<LogAction, { do: "cancel many" | "retry many" }>): void {
	const { book } = player;
	const webhook = at(book.liveWebhooks(), action.webhook);
	if (webhook === undefined) return;
	const { project } = webhook;
	const statuses = action.status === null ? null : [action.status];
	const filter: DeliveryFilter = { ...ANY_DELIVERY, statuses, webhookId: action.all ? null : webhook.id };
	const changed = action.all ? book.webhooks.filter((other) => other.project === project) : [webhook];
	const hasChanged = ({ changed }: ManyChanged) => changed > 0;
	const many = { project, objectId: project.id, hasChanged, isExact: true, readsAfterwards: true };
	const { bulkCounts } = player;
	const over = () => bulkCounts.unanswered();
	const outcomes = { answered: ({ changed }: ManyChanged) => bulkCounts.answered(changed), refused: over, lost: over };
	bulkCounts.asked();
	if (action.do === "cancel many") {
		for (const one of changed) one.cancelledMany = true;
		player.manage(
			{ action: "delivery.cancel_many", ...many },
			(engine, change) => engine.deliveries.cancelMany(change, filter),
			outcomes,
		);
		return;
	}
	for (const one of changed) one.retriedMany = true;
	book.surelyCancelled.clear();
	player.retriedManyBy = player.manage(
		{ action: "delivery.retry_many", ...many },
		(engine, change) => engine.deliveries.retryMany(change, filter),
		outcomes,
	);
}

function replay(player: Player, action: Extract<LogAction, { do: "replay" }>): void {
	const webhook = at(player.book.liveWebhooks(), action.webhook);
	if (webhook === undefined) return;
	const { sinceMs, outcomes, types: eventTypes } = action;
	const request = { since: player.world.clock.now() - sinceMs, until: null, outcomes, eventTypes };
	const managed = { action: "replay.create", project: webhook.project, objectId: null, idOf: ({ id }: Replay) => id };
	player.manage(managed, (engine, change) => engine.replays.start(change, webhook.id, request));
}

function cancelReplay(player: Player, index: number): void {
	const { book } = player;
	const id = at(book.replays, index);
	const project = at(book.liveProjects(), index);
	if (id === undefined || project === undefined) return;
	const managed = { action: "replay.cancel", project, objectId: id, readsAfterwards: true };
	player.manage(managed, (engine, change) => engine.replays.cancel(change, id));
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
	const { chance, faults } = player.world;
	if (chance.faults() < DIES_SHARE) {
		faults.plan({ kind: "dying in erasure", executed: chance.faults() < 0.5, eventId: event.id });
	}
	// The entry is made with the first step, and a later one can fail.
	const managed = {
		action: "event.erase",
		project,
		objectId: event.id,
		readsAfterwards: true,
		// It may have been erased before, by a call that was lost, or by retention. The store says so to the book.
		hasChanged: () => false,
	};
	player.manage(managed, (engine, change) => engine.events.erasePayload(change, event.id), {
		answered: () => (event.erased = true),
	});
}
