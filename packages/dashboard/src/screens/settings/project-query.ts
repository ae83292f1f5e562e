// The fields of the project that is shown.
import type { ProjectFields, ProjectHandle } from "@fanfare/sdk";
import { queryOptions } from "@tanstack/react-query";

import type { Connection } from "../../session/connection.ts";

/** What can be set to a number, or to null for the server's setting. */
export const LIMITS = [
	"retentionDays",
	"payloadRetentionDays",
	"maxEventsPerSecond",
	"maxStoredBytes",
	"maxWebhooksPerCustomer",
	"maxReplaysPerCustomer",
	"maxStreamsPerCustomer",
	"maxTestsPerCustomer",
] as const;
export type Limit = (typeof LIMITS)[number];

export interface ProjectSettings extends Pick<ProjectFields, "id" | "name" | "createDate"> {
	readonly eventTypePolicy: NonNullable<ProjectFields["eventTypePolicy"]>;
	/** Rises with each change. */
	readonly revision: number;
	readonly limits: Readonly<Record<Limit, number | null>>;
}

export function projectQuery({ client }: Connection, projectId: string) {
	return queryOptions({
		queryKey: ["project", projectId, "settings"],
		queryFn: async ({ signal }): Promise<ProjectSettings> => settingsOf(await client.getProject(projectId, { signal })),
	});
}

/** What the project has stored, its quotas, and what applies where it has set nothing. */
export function usageQuery(project: ProjectHandle) {
	return queryOptions({
		queryKey: ["project", project.id, "usage"],
		queryFn: ({ signal }) => project.usage({ signal }),
	});
}

/** The fields alone: the cache cannot compare the calls that a project of the SDK has. */
export function settingsOf(project: ProjectFields): ProjectSettings {
	const { id, name, createDate, eventTypePolicy = "open", revision = 1 } = project;
	const limits = Object.fromEntries(
		LIMITS.map((limit) => [limit, project[limit] ?? null]),
	) as ProjectSettings["limits"];
	return { id, name, createDate, eventTypePolicy, revision, limits };
}
