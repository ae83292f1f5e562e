// Sends without the SDK. Acknowledged events are recorded like those of the round's senders.
import type { Answer } from "@fanfare/testkit/server-process";

import type { Round } from "../round.ts";

export interface RawEvent {
	readonly type: string;
	readonly n: number;
	/** The request's body: JSON. */
	readonly body: string;
	/** The webhooks that the event is for. Omitted: all that want its type. */
	readonly webhookIds?: readonly string[];
}

/** An event of this type. `more` is the JSON of a second field of its data. */
export function rawEvent(round: Round, type: string, more = "null", idempotencyKey: string | null = null): RawEvent {
	const n = round.nextNumber();
	const key = idempotencyKey === null ? "" : `,"idempotencyKey":${JSON.stringify(idempotencyKey)}`;
	return { type, n, body: `{"type":${JSON.stringify(type)},"data":{"n":${n},"more":${more}}${key}}` };
}

/** An event for one webhook only. */
export function rawEventFor(round: Round, type: string, webhookId: string): RawEvent {
	const n = round.nextNumber();
	const webhookIds = [webhookId];
	return { type, n, body: JSON.stringify({ type, data: { n }, webhookIds }), webhookIds };
}

export function eventsPath(round: Round): string {
	return `/projects/${round.projectId}/events`;
}

/** Sends once, and records the event if it is acknowledged. */
export async function sendRaw(round: Round, event: RawEvent, server = round.server): Promise<Answer> {
	const sentAt = Date.now();
	const answer = await server.call("POST", eventsPath(round), event.body);
	if (answer.status === 202) {
		const { id, duplicate } = answer.json as { id: string; duplicate: boolean };
		if (!duplicate) recordAcknowledged(round, event, id, sentAt);
	}
	return answer;
}

/** Records an acknowledged event of the round. */
export function recordAcknowledged(
	round: Round,
	{ type, n, webhookIds = null }: { type: string; n: number; webhookIds?: readonly string[] | null },
	id: string,
	sentAt: number,
): void {
	round.alsoAcknowledged.push({ eventId: id, type, n, webhookIds, sentAt, acknowledgedAt: Date.now() });
}

/** Sends the events in one request, with `padding` after its JSON, and records those that are acknowledged. */
export async function sendRawBatch(round: Round, events: readonly RawEvent[], padding = ""): Promise<Answer> {
	const sentAt = Date.now();
	const body = `{"events":[${events.map(({ body }) => body).join(",")}]}${padding}`;
	const answer = await round.server.call("POST", `${eventsPath(round)}:batch`, body);
	if (answer.status === 202) {
		const { data } = answer.json as { data: { event?: { id: string } }[] };
		for (const [index, { event }] of data.entries()) {
			const sent = events[index];
			if (sent !== undefined && event !== undefined) recordAcknowledged(round, sent, event.id, sentAt);
		}
	}
	return answer;
}

/** The number of events of a type that the server lists. */
export async function countEvents(round: Round, type: string): Promise<number> {
	return (await Array.fromAsync(round.project.events.list({ type }))).length;
}
