// Saves what was changed of a webhook, also if the answer is lost and the call is made again.
import { ServiceUnavailableError, type ProjectHandle, type UpdateWebhook, type Webhook } from "@fanfare/sdk";

import { isInDoubt } from "../../feedback/doubt.ts";
import { isStored, saveOnce } from "./own-save.ts";

/** @param changes on a revision: if somebody else has changed the webhook since, it rejects with a `ConflictError` */
export function saveWebhook(
	{ batch: { webhooks } }: ProjectHandle,
	webhookId: string,
	changes: UpdateWebhook,
): Promise<Webhook> {
	const { name, spec = {} } = changes;
	const { headers, ...rest } = spec;
	/** Whether a try may have been made without the page's knowledge. */
	let isLost = false;
	return saveOnce({
		save: async () => {
			try {
				return await webhooks.update(webhookId, changes, { maxRetries: 0 });
			} catch (error) {
				isLost = isInDoubt(error);
				if (!isLost && !(error instanceof ServiceUnavailableError)) throw error;
				return webhooks.update(webhookId, changes);
			}
		},
		stored: async () => {
			// The values of headers are never shown: another one's, with the same names, would look the same. So they are taken for one's own only if
			// an answer was lost.
			if (headers !== undefined && !isLost) return null;
			const stored = await webhooks.get(webhookId);
			// A number of retries alone ends a schedule.
			const endsSchedule = rest.retries?.maxRetries !== undefined && rest.retries.scheduleMs === undefined;
			if (endsSchedule && (stored.retries.scheduleMs ?? null) !== null) return null;
			if (headers !== undefined && !haveSameNames(stored.headers, headers ?? {})) return null;
			return isStored(stored, { name, ...rest }) ? stored : null;
		},
	});
}

/** In any order, and in upper or lower case. */
function haveSameNames(one: object, other: object): boolean {
	const [names, others] = [one, other].map(
		(headers) => new Set(Object.keys(headers).map((name) => name.toLowerCase())),
	);
	return names?.size === others?.size && names?.isSubsetOf(others ?? new Set()) === true;
}
