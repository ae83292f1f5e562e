// The newest webhooks of a project, kept as they are now.
import type { ProjectHandle } from "@fanfare/sdk";
import { queryOptions, useQuery } from "@tanstack/react-query";

import { useProject } from "../../session/caller.ts";
import { findWebhooks, MOST_RECENT, MOST_WEBHOOKS, timed } from "./found.ts";
import { useFreshList } from "./fresh-list.ts";

/** The newest webhooks of the project, up to `most` of them. */
function newestQuery(project: ProjectHandle, most: number) {
	return queryOptions({
		queryKey: ["project", project.id, "newest-webhooks", most],
		queryFn: ({ signal }) => timed(findWebhooks(project, {}, { most, signal })),
	});
}

function useNewest(most: number, isWanted: boolean) {
	const options = newestQuery(useProject(), most);
	const query = useQuery({ ...options, enabled: isWanted });
	useFreshList({ queryKey: options.queryKey, most, isWanted, last: query.data });
	return query;
}

/** As many as the list of webhooks shows, as they are now. */
export function useNewestWebhooks() {
	return useNewest(MOST_WEBHOOKS, true);
}

/** Those that one call finds, as they are now. */
export function useRecentWebhooks(isWanted = true) {
	return useNewest(MOST_RECENT, isWanted);
}
