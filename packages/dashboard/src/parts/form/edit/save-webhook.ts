// Saves what was changed of a webhook, also if the answer is lost and the call is made again.
import type { ProjectHandle, UpdateWebhook, Webhook } from "@fanfare/sdk";

import { isStored, saveOnce } from "./own-save.ts";

/** @param changes on a revision: if somebody else has changed the webhook since, it rejects with a `ConflictError` */
export function saveWebhook(
	{ batch: { webhooks } }: ProjectHandle,
	webhookId: string,
	changes: UpdateWebhook,
): Promise<Webhook> {
	const { name, spec = {} } = changes;
	return saveOnce({
		save: () => webhooks.update(webhookId, changes),
		stored: async () => {
			// Nobody can tell which values are stored.
			if (spec.headers !== undefined) return null;
			const stored = await webhooks.get(webhookId);
			// A number of retries alone ends a schedule.
			const endsSchedule = spec.retries?.maxRetries !== undefined && spec.retries.scheduleMs === undefined;
			if (endsSchedule && (stored.retries.scheduleMs ?? null) !== null) return null;
			return isStored(stored, { name, ...spec }) ? stored : null;
		},
	});
}
