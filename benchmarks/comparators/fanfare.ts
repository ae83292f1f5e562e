// Webhooks by Fanfare, as its documentation says: the application sends events by the SDK.
import { Client } from "@fanfare/sdk";

import type { Producer, ServerPlace } from "./job-queue.ts";

export function openFanfare({ serverUrl, key, projectId }: ServerPlace): Producer {
	const { events } = new Client(key, { endpoint: serverUrl }).project(projectId);
	return {
		async send([first, ...more]) {
			if (first === undefined) return;
			if (more.length === 0) {
				await events.send(first);
				return;
			}
			const results = await events.sendBatch([first, ...more]);
			const refused = results.find(({ status }) => status !== 202);
			if (refused !== undefined) throw new Error(`an event of a batch was refused: ${refused.error?.message}`);
		},
	};
}
