// Who has made a call, and where: what comes of it late is told to them alone, with the name of the project where another one is shown.
import type { Caller } from "@fanfare/sdk";
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";

import { callerKey } from "../../session/session-state.ts";

export interface Origin {
	readonly callerId: Caller["id"] | undefined;
	/** Null outside a project. */
	readonly projectId: string | null;
}

/** Returns a function that says it of a call that is made now. */
export function useOrigin(): () => Origin {
	const queryClient = useQueryClient();
	const { projectId = null } = useParams({ strict: false });
	return () => ({ callerId: callerIdOf(queryClient), projectId });
}

/** Who is signed in. */
export function callerIdOf(queryClient: QueryClient): Caller["id"] | undefined {
	return queryClient.getQueryData<Caller>(callerKey)?.id;
}
