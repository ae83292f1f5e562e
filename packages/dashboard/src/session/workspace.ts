// What only keys of the whole workspace may do.
import { useQuery } from "@tanstack/react-query";

import { callerQuery, useConnection } from "./caller.ts";

/** Whether the key is an admin key of the whole workspace. False while that is not known. */
export function useIsWorkspaceAdmin(): boolean {
	const { data } = useQuery(callerQuery(useConnection()));
	return data?.scope === "admin" && data.projectId === null;
}

/** Whether the key is of the whole workspace, whatever its scope. False while that is not known. */
export function useIsOfWorkspace(): boolean {
	const { data } = useQuery(callerQuery(useConnection()));
	return data !== undefined && data.projectId === null;
}
