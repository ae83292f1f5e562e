// Projects as responses show them.
import type { z } from "@hono/zod-openapi";

import type { Project } from "../../../core/workspace.ts";
import type { projectSchema } from "./schemas.ts";

/** Has some fields that Fanfare does not use: the Nexus SDK requires them. */
export function presentProject(project: Project): z.infer<typeof projectSchema> {
	const { id, name, workspaceId, createDate, eventTypes, retentionDays, payloadRetentionDays } = project;
	return {
		id,
		object: "project",
		name,
		workspaceId,
		type: "webhooks",
		createDate,
		localization: "local",
		tags: [],
		groups: [],
		statistic: { tagsCount: [], totalAssets: 0, annotatedAssets: 0, totalAnnotations: 0 },
		// Present only if set, so that clients that know only Nexus's fields get only those.
		...(eventTypes !== "open" && { eventTypes }),
		...(retentionDays !== null && { retentionDays }),
		...(payloadRetentionDays !== null && { payloadRetentionDays }),
	};
}
