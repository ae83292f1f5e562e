// Who is signed in, and what the key allows.
import type { Caller, Client, KeyScope, ProjectHandle } from "@fanfare/sdk";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useParams, useRouter } from "@tanstack/react-router";

import type { Connection } from "./connection.ts";
import { callerKey } from "./session-state.ts";

const RANKS: Readonly<Record<KeyScope, number>> = { read: 0, write: 1, admin: 2 };

export function callerQuery(connection: Connection) {
	return queryOptions({
		queryKey: callerKey,
		queryFn: ({ signal }) => connection.client.getCaller({ signal }),
		staleTime: Number.POSITIVE_INFINITY,
	});
}

export function projectsQuery(connection: Connection) {
	return queryOptions({
		queryKey: ["projects"],
		queryFn: async ({ signal }) => {
			const projects = await connection.client.listProjects({ signal });
			return projects.map(({ id, name }) => ({ id, name }));
		},
		staleTime: 60_000,
	});
}

/** The connection of this tab. */
export function useConnection(): Connection {
	return useRouter().options.context.connection;
}

function useClient(): Client {
	return useConnection().client;
}

/** The project of the address, as a handle for calls. */
export function useProject(): ProjectHandle {
	const { projectId } = useParams({ from: "/$projectId" });
	return useClient().project(projectId);
}

/** Whether the key allows calls of this scope. False while that is not known. */
export function useMay(scope: KeyScope): boolean {
	const { data } = useQuery(callerQuery(useConnection()));
	return mayCall(data, scope);
}

function mayCall(caller: Caller | undefined, scope: KeyScope): boolean {
	if (caller === undefined || caller.scope === null) return false;
	return RANKS[caller.scope] >= RANKS[scope];
}
