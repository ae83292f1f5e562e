// Events whose payload is erased: their deliveries are not attempted again, and their attempts keep no response body.
import type { DatabaseSync } from "node:sqlite";

import type { Attempt } from "../../../core/delivery.ts";

/** Whether the payload of an event is erased, by the number of the event. */
export function createIsErased(db: DatabaseSync): (event: number) => boolean {
	const select = db.prepare("SELECT 1 FROM events WHERE seq = ? AND length(body) = 0");
	return (event) => select.get(event) !== undefined;
}

/** Whether a webhook belonged to a customer that was deleted, by the number of the webhook. */
export function createIsErasedWebhook(db: DatabaseSync): (webhook: number) => boolean {
	const select = db.prepare("SELECT 1 FROM webhooks WHERE number = ? AND erased = 1");
	return (webhook) => select.get(webhook) !== undefined;
}

/** The attempt without anything of its response. */
export function withoutResponse(attempt: Attempt): Attempt {
	const { response } = attempt;
	if (response === null || (response.body === "" && Object.keys(response.headers).length === 0)) return attempt;
	return { ...attempt, response: { headers: {}, body: "", bodyTruncated: true } };
}

/** The attempt without the body of its response. */
export function withoutResponseBody(attempt: Attempt): Attempt {
	const { response } = attempt;
	if (response === null || response.body === "") return attempt;
	return { ...attempt, response: { ...response, body: "", bodyTruncated: true } };
}
