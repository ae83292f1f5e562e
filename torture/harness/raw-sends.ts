// Sends past the SDK, whose acknowledgements are the round's all the same.
import type { Answer } from "@fanfare/testkit/server-process";

import type { Round } from "../round.ts";

export interface RawEvent {
	readonly type: string;
	readonly n: number;
	/** JSON of the whole request. */
	readonly body: string;
}

/** An event of this type; `more` is JSON for a second field of its data. */
export function rawEvent(round: Round, type: string, more = "null", idempotencyKey: string | null = null): RawEvent {
	const n = round.nextNumber();
	const key = idempotencyKey === null ? "" : `,"idempotencyKey":${JSON.stringify(idempotencyKey)}`;
	return { type, n, body: `{"type":${JSON.stringify(type)},"data":{"n":${n},"more":${more}}${key}}` };
}

export function eventsPath(round: Round): string {
	return `/projects/${round.server.projectId}/events`;
}

/** Sends once, and notes what was acknowledged. */
export async function sendRaw(round: Round, event: RawEvent): Promise<Answer> {
	const sentAt = Date.now();
	const answer = await round.server.call("POST", eventsPath(round), event.body);
	if (answer.status === 202) {
		const { id, duplicate } = answer.json as { id: string; duplicate: boolean };
		if (!duplicate) noteAcknowledged(round, event, id, sentAt);
	}
	return answer;
}

export function noteAcknowledged(
	round: Round,
	{ type, n }: Pick<RawEvent, "type" | "n">,
	id: string,
	sentAt: number,
): void {
	round.alsoAcknowledged.push({ eventId: id, type, n, webhookIds: null, sentAt, acknowledgedAt: Date.now() });
}

/** A batch of so many, in one request. */
export async function sendRawBatch(round: Round, events: readonly RawEvent[], padding = ""): Promise<Answer> {
	const sentAt = Date.now();
	const body = `{"events":[${events.map(({ body }) => body).join(",")}]}${padding}`;
	const answer = await round.server.call("POST", `${eventsPath(round)}:batch`, body);
	if (answer.status === 202) {
		const { data } = answer.json as { data: { event?: { id: string } }[] };
		for (const [index, { event }] of data.entries()) {
			const sent = events[index];
			if (sent !== undefined && event !== undefined) noteAcknowledged(round, sent, event.id, sentAt);
		}
	}
	return answer;
}

/** How many events of a type the server lists. */
export async function countEvents(round: Round, type: string): Promise<number> {
	return (await Array.fromAsync(round.project.events.list({ type }))).length;
}
