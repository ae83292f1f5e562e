// The workspace, and what its projects use.
import type { ProjectUsage } from "@fanfare/sdk";
import { queryOptions } from "@tanstack/react-query";

import type { Connection } from "../../session/connection.ts";

/** Each project is asked by itself, so more than these are not. */
export const MOST_PROJECTS = 50;

const REFRESH_MS = 10_000;

export interface UsageOfProject {
	readonly id: string;
	readonly name: string;
	readonly usage: ProjectUsage;
}

export function workspaceQuery({ client }: Connection) {
	return queryOptions({
		queryKey: ["workspace"],
		queryFn: ({ signal }) => client.getInfo({ signal }),
		staleTime: 60_000,
	});
}

/** What projects store, those with the most first; and how long the server took to answer, as a sign of how it is. */
export function usageQuery({ client }: Connection) {
	return queryOptions({
		queryKey: ["usage"],
		queryFn: async ({ signal }) => {
			const projects = await client.listProjects({ signal });
			const asked = projects.slice(0, MOST_PROJECTS);
			const usages: UsageOfProject[] = [];
			for (const { id, name } of asked) {
				usages.push({ id, name, usage: await client.project(id).usage({ signal }) });
			}
			return {
				projectCount: projects.length,
				usages: usages.toSorted((a, b) => b.usage.storedBytes - a.usage.storedBytes),
			};
		},
		staleTime: 30_000,
	});
}

/** What the server is doing, and how much room it has. For keys of the whole workspace. */
export function statusQuery({ client }: Connection) {
	return queryOptions({
		queryKey: ["status"],
		queryFn: ({ signal }) => client.getStatus({ signal }),
		refetchInterval: REFRESH_MS,
	});
}

/** How long an answer of the server takes, in milliseconds. */
export function answerTimeQuery({ client }: Connection) {
	return queryOptions({
		queryKey: ["answer-time"],
		queryFn: async ({ signal }) => {
			const start = performance.now();
			await client.getInfo({ signal });
			return { ms: performance.now() - start };
		},
		refetchInterval: REFRESH_MS,
	});
}
