// Checks what clients of the live stream were given against what was acknowledged and what the API lists.
import type { Delivery } from "@fanfare/sdk";

import type { Round } from "../../round.ts";
import { rawEvent, sendRaw } from "../raw-sends.ts";
import { HIDDEN_HEADER } from "../webhook-kinds.ts";
import type { StreamedItem, StreamFollower } from "./stream-follower.ts";

const MARKER = "order.marker";
const CAUGHT_UP_WITHIN_MS = 20_000;
/** Part of the data of almost every event of the senders. */
const PAYLOAD = "xxxxxxxxxxxxxxxx";

/** Sends an event, and waits until all followers have been given it, and so everything before it. Returns when it was sent. */
export async function catchUp(round: Round, followers: readonly StreamFollower[]): Promise<number> {
	const sentAt = Date.now();
	const { json } = await sendRaw(round, rawEvent(round, MARKER));
	const { id } = json as { id: string };
	const isThere = (follower: StreamFollower) => follower.items.some(({ eventId }) => eventId === id);
	const caughtUp = await round.time.within(CAUGHT_UP_WITHIN_MS, () => followers.every(isThere));
	const late = followers.filter((follower) => !isThere(follower)).map((follower) => follower.describe());
	round.expect(caughtUp !== null, `streams did not catch up: ${late.join("; ")}`);
	return sentAt;
}

/** Each event since the last gap is there, and no item came twice in any segment. `wants` is the follower's filter. */
export function checkAccepted(
	round: Round,
	follower: StreamFollower,
	until: number,
	wants: (type: string) => boolean,
): void {
	const { startedAt, items } = follower.latest;
	const counts = countBy(
		items.filter(({ kind }) => kind === "event.accepted"),
		({ eventId }) => eventId,
	);
	const due = round.acknowledged.filter(
		({ type, sentAt, acknowledgedAt }) => wants(type) && sentAt > startedAt && acknowledgedAt < until,
	);
	round.expect(due.length > 0, "no event was acknowledged while the stream was followed");
	const missing = due.filter(({ eventId }) => !counts.has(eventId));
	round.expect(
		missing.length === 0,
		`the stream lacks ${missing.length} of ${due.length} events without a gap, such as ${missing[0]?.eventId}`,
	);
	const twice = [...countBy(follower.items, ({ id }) => id)].filter(([, count]) => count > 1);
	round.expect(twice.length === 0, `${twice.length} items of the stream came twice, such as ${twice[0]?.[0]}`);
	const foreign = follower.items.filter(({ eventType }) => eventType !== undefined && !wants(eventType));
	round.expect(foreign.length === 0, `the stream has ${foreign.length} items that its filter excludes`);
	for (const hidden of [PAYLOAD, HIDDEN_HEADER])
		round.expect(!follower.text.includes(hidden), `the stream contains ${hidden}`);
}

/** The attempts and the last status of each delivery that has ended since the last gap. */
export function checkDeliveries(
	round: Round,
	follower: StreamFollower,
	until: number,
	deliveries: readonly Delivery[],
): void {
	const { startedAt, items } = follower.latest;
	const due = round.acknowledged.filter(({ sentAt, acknowledgedAt }) => sentAt > startedAt && acknowledgedAt < until);
	const events = new Set(due.map(({ eventId }) => eventId));
	const byDelivery = Map.groupBy(items, ({ deliveryId }) => deliveryId);
	const ended = deliveries.filter(
		({ eventId, status }) => events.has(eventId) && (status === "Succeeded" || status === "Failed"),
	);
	round.expect(ended.length > 0, "no delivery has ended while the stream was followed");
	for (const { id, status, attemptCount } of ended) {
		const about = byDelivery.get(id) ?? [];
		const numbers = about.filter(({ kind }) => kind === "attempt.finished").map(({ number }) => number);
		const wanted = Array.from({ length: attemptCount }, (_, index) => index + 1);
		round.expect(
			numbers.join() === wanted.join(),
			`the stream has the attempts ${numbers.join()} of ${id}, wanted ${wanted.join()}`,
		);
		const last = about.findLast(({ kind }) => kind === "delivery.updated")?.status;
		round.expect(last === status, `the last status of ${id} in the stream is ${last}, and ${status} in the API`);
	}
}

/** A client that reads slowly is given the same items in the same order, only later. */
export async function checkSlow(round: Round, slow: StreamFollower, fast: StreamFollower): Promise<void> {
	await round.time.within(CAUGHT_UP_WITHIN_MS, () => slow.latest.items.length > 0);
	// The same gap may come to it earlier in its items, since it is behind.
	const places = new Map(fast.items.map(({ id }, index) => [id, index]));
	const found = slow.latest.items.map(({ id }) => places.get(id)).filter((index) => index !== undefined);
	const isInOrder = found.every((index, n) => index === (found[0] ?? 0) + n);
	round.expect(
		found.length > 0 && isInOrder,
		`a slow client was given ${found.length} of the items, or some out of order`,
	);
}

/** What the stream says was accepted is in the store, also after a kill. */
export async function checkCommitted(round: Round, followers: readonly StreamFollower[]): Promise<void> {
	const accepted = followers.flatMap(({ items }) => items.filter(({ kind }) => kind === "event.accepted"));
	const stored = new Set((await Array.fromAsync(round.project.events.list())).map(({ id }) => id));
	const lost = accepted.filter(({ eventId }) => !stored.has(eventId ?? ""));
	round.expect(lost.length === 0, `${lost.length} events were accepted by the stream and are not in the store`);
}

function countBy(
	items: readonly StreamedItem[],
	key: (item: StreamedItem) => string | undefined,
): Map<string | undefined, number> {
	return new Map([...Map.groupBy(items, key)].map(([name, list]) => [name, list.length]));
}
