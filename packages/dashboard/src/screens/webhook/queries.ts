// One webhook, and its stats.
import { NotFoundError, type ProjectHandle } from "@fanfare/sdk";
import { queryOptions, type QueryState } from "@tanstack/react-query";

/** One that is deleted is not asked for again: a delivery that names it may be shown for long. */
export function webhookQuery(project: ProjectHandle, webhookId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "webhooks", webhookId],
		queryFn: ({ signal }) => project.batch.webhooks.get(webhookId, { signal }),
		enabled: mayBeThere,
	});
}

/** Whether it is not known that there is no such webhook: nothing comes back under its id. A 404 of a proxy says nothing of it. */
export function mayBeThere({ state: { error } }: { readonly state: Pick<QueryState, "error"> }): boolean {
	return !(error instanceof NotFoundError && error.code === "webhook_not_found");
}

/** The last 24 hours, by the hour. */
export function webhookStatsQuery(project: ProjectHandle, webhookId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "stats", webhookId],
		queryFn: ({ signal }) => project.batch.webhooks.stats(webhookId, { width: "hour" }, { signal }),
	});
}
