// Steps that send events: single ones and batches, with and without idempotency keys, and again.
import type { EventCustomers } from "../../packages/server/src/core/access/customer.ts";
import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import { FanfareError } from "../../packages/server/src/core/errors.ts";
import type { EventInput } from "../../packages/server/src/core/event.ts";
import type { SentEvent } from "../../packages/server/src/engine/calls.ts";
import type { ProjectModel, SendModel } from "../model/book.ts";
import { at } from "./choose.ts";
import { customerIdOf } from "./perform-on-customers.ts";
import { isInDoubt, type Player } from "./player.ts";
import type { Action } from "./steps.ts";

type SendAction = Extract<Action, { do: "send" | "send again" }>;

/** An idempotency key is known for at least this long. */
const KEY_KEPT_MS = 25 * 60 * 60_000;

export function performSend(player: Player, action: SendAction): void {
	if (action.do === "send again") return sendAgain(player, action);
	const { book } = player;
	const project = at(book.liveProjects(), action.project);
	if (project === undefined) return;
	const customers = customersOf(action);
	// Also those that the event must not reach: it is refused then.
	const webhooks = book.liveWebhooks().filter((webhook) => webhook.project === project);
	const named = action.targets?.flatMap((index) => at(webhooks, index)?.id ?? []) ?? [];
	const sends = Array.from({ length: action.count }, () => {
		const n = book.sends.length;
		const send: SendModel = {
			n,
			project,
			type: action.type,
			key: action.hasKey ? `key ${n}` : null,
			webhookIds: named.length === 0 ? null : [...new Set(named)],
			customers,
			acknowledged: 0,
			refused: 0,
			unanswered: 0,
			eventId: null,
		};
		book.sends.push(send);
		return send;
	});
	const [first] = sends;
	if (sends.length === 1 && first !== undefined) return sendOne(player, first);
	sendAll(player, project, sends);
}

function customersOf({ customers }: Extract<SendAction, { do: "send" }>): EventCustomers {
	if (customers === null || customers === "*") return customers;
	const [first = "", ...others] = customers.map(customerIdOf);
	return others.length === 0 ? first : [first, ...others];
}

function sendOne(player: Player, send: SendModel): void {
	player.call((engine) => engine.intake.send(projectScope(send.project.id), inputOf(send)), {
		answered: (sent) => acknowledged(player, send, sent),
		refused: () => send.refused++,
		lost: () => send.unanswered++,
	});
}

function sendAll(player: Player, project: ProjectModel, sends: readonly SendModel[]): void {
	player.call((engine) => engine.intake.sendBatch(projectScope(project.id), sends.map(inputOf)), {
		answered: (results) => {
			for (const [index, send] of sends.entries()) {
				const result = results[index];
				if (result === undefined) player.world.breach("accepted", `a batch had no result for event ${send.n}`);
				else if (isInDoubt(result)) send.unanswered++;
				else if (result instanceof FanfareError) send.refused++;
				else acknowledged(player, send, result);
			}
		},
		refused: () => sends.forEach((send) => send.refused++),
		lost: () => sends.forEach((send) => send.unanswered++),
	});
}

/** The same send once more, as a producer does that got no answer, or its key with other data. */
function sendAgain(player: Player, { send: index, isChanged }: Extract<Action, { do: "send again" }>): void {
	const { book, world } = player;
	const send = at(
		book.sends.filter(({ key, project }) => key !== null && !project.deleteIssued),
		index,
	);
	if (send === undefined) return;
	if (!isChanged) return sendOne(player, send);
	const input = { ...inputOf(send), dataJson: JSON.stringify({ n: send.n, other: true }) };
	// If the first one was not stored, this one is in its place, so nothing can be expected of it.
	if (send.acknowledged === 0) return;
	player.call((engine) => engine.intake.send(projectScope(send.project.id), input), {
		answered: ({ event }) => {
			if (isKnown(player, send)) world.breach("accepted", `${event.id}: the key of ${send.eventId} was used twice`);
		},
		refused: () => {},
	});
}

function inputOf({ n, type, key, webhookIds, customers }: SendModel): EventInput {
	const rest = { timestamp: null, idempotencyKey: key, webhookIds, traceparent: null, customers, tags: [] };
	return { type, dataJson: JSON.stringify({ n }), ...rest };
}

function acknowledged(player: Player, send: SendModel, { event, duplicate }: SentEvent): void {
	const { book, world } = player;
	send.acknowledged++;
	const known = book.events.get(event.id);
	if (known === undefined) {
		world.breach("accepted", `event ${send.n} was acknowledged as ${event.id}, which the store never accepted`);
	} else if (known.n !== send.n || known.type !== send.type) {
		world.breach("accepted", `event ${send.n} was acknowledged as ${event.id}, which is event ${known.n}`);
	}
	if (send.eventId !== null && send.eventId !== event.id && isKnown(player, send)) {
		world.breach("accepted", `event ${send.n} was accepted twice: ${send.eventId} and ${event.id}`);
	}
	if (duplicate && send.key === null) world.breach("accepted", `event ${send.n} has no key and is a duplicate`);
	if (send.eventId === null || !duplicate) send.eventId = event.id;
	player.acknowledged.push(event.id);
}

/** Whether the server must still know the key of an event that it has acknowledged. */
function isKnown({ book, latestNow }: Player, { eventId }: SendModel): boolean {
	const event = eventId === null ? undefined : book.events.get(eventId);
	return event !== undefined && !book.purged.has(event.id) && latestNow - event.createDate < KEY_KEPT_MS;
}
