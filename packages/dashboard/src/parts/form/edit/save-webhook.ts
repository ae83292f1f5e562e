// Saves what was changed of a webhook, also if the answer is lost and the call is made again.
import type { ProjectHandle, UpdateWebhook, Webhook } from "@fanfare/sdk";

import { InDoubtError } from "../../feedback/doubt.ts";
import type { LostTries } from "./lost-tries.ts";
import { isStored, saveOnce } from "./own-save.ts";

/**
 * @param changes on a revision: if somebody else has changed the webhook since, it rejects with a `ConflictError`, and with an
 *   `InDoubtError` if it may have been this save itself and has values of headers, which nobody can see
 * @param lost of the client, where headers are saved
 */
export function saveWebhook(
	{ batch: { webhooks } }: ProjectHandle,
	webhookId: string,
	changes: UpdateWebhook,
	lost: LostTries | null = null,
): Promise<Webhook> {
	const { revision, name, spec = {} } = changes;
	const { headers, ...rest } = spec;
	return saveOnce({
		save: async () => {
			const saved = await webhooks.update(webhookId, changes);
			lost?.forget(webhookId, revision);
			return saved;
		},
		stored: async () => {
			const hasValues = Object.keys(headers ?? {}).length > 0;
			// No try but the one that was refused.
			if (hasValues && lost?.has(webhookId, revision) !== true) return null;
			const stored = await webhooks.get(webhookId);
			lost?.forget(webhookId, revision);
			// A number of retries alone ends a schedule.
			const endsSchedule = rest.retries?.maxRetries !== undefined && rest.retries.scheduleMs === undefined;
			if (endsSchedule && (stored.retries.scheduleMs ?? null) !== null) return null;
			if (headers !== undefined && !haveSameNames(stored.headers, headers ?? {})) return null;
			if (!isStored(stored, { name, ...rest })) return null;
			// Another one's headers with the same names look the same.
			if (hasValues) throw headersInDoubt(stored.name);
			return stored;
		},
	});
}

function headersInDoubt(webhook: string): InDoubtError {
	return new InDoubtError("The server's answer was lost, and nobody can see the values that are stored.", {
		what: `It is not known whether the values of the headers of “${webhook}” were saved`,
		advice: "Save again to be sure: it writes your values, also over those of somebody else.",
	});
}

/** In any order, and in upper or lower case. */
function haveSameNames(one: object, other: object): boolean {
	const [names, others] = [one, other].map(
		(headers) => new Set(Object.keys(headers).map((name) => name.toLowerCase())),
	);
	return names?.size === others?.size && [...(names ?? [])].every((name) => others?.has(name));
}
