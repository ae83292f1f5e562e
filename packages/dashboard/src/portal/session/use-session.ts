// The session that is open, for the screens.
import type { Caller, Capability, Client, ProjectHandle } from "@fanfare/sdk";
import { createContext, use, useSyncExternalStore } from "react";

import type { PortalSession, SessionState } from "./portal-session.ts";

export interface OpenSession {
	readonly client: Client;
	readonly caller: Caller;
	readonly project: ProjectHandle;
	/** Where the project's stream was before any screen has loaded something; undefined if that is unknown. */
	readonly position: string | undefined;
	/** Whether the token has ended, and another one is awaited. */
	readonly isRenewing: boolean;
	/** Whether another page is around the portal, which has the way back itself. */
	readonly isFramed: boolean;
}

const OpenSessionContext = createContext<OpenSession | null>(null);

export const OpenSessionProvider = OpenSessionContext;

export function useSessionState(session: PortalSession): SessionState {
	return useSyncExternalStore(session.subscribe, session.getState);
}

export function useOpenSession(): OpenSession {
	const session = use(OpenSessionContext);
	if (session === null) throw new Error("a screen is shown only while a session is open");
	return session;
}

export function useProject(): ProjectHandle {
	return useOpenSession().project;
}

/** Whether the session allows this. What it does not allow is not shown. */
export function useMay(capability: Capability): boolean {
	return useOpenSession().caller.capabilities?.includes(capability) === true;
}
