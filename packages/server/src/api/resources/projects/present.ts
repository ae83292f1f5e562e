// Projects as responses show them.
import type { z } from "@hono/zod-openapi";

import type { Project } from "../../../core/workspace.ts";
import type { projectSchema } from "./schemas.ts";

/** With the fields that the Nexus SDK decodes strictly and Fanfare has no use for. */
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
		// Only where they were set: clients that know no more than Nexus's fields get no more.
		...(eventTypes !== "open" && { eventTypes }),
		...(retentionDays !== null && { retentionDays }),
		...(payloadRetentionDays !== null && { payloadRetentionDays }),
	};
}
