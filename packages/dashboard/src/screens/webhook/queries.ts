// One webhook, and its stats.
import type { ProjectHandle } from "@fanfare/sdk";
import { queryOptions } from "@tanstack/react-query";

export function webhookQuery(project: ProjectHandle, webhookId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "webhooks", webhookId],
		queryFn: ({ signal }) => project.batch.webhooks.get(webhookId, { signal }),
	});
}

/** The last 24 hours, by the hour. */
export function webhookStatsQuery(project: ProjectHandle, webhookId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "stats", webhookId],
		queryFn: ({ signal }) => project.batch.webhooks.stats(webhookId, { width: "hour" }, { signal }),
	});
}
