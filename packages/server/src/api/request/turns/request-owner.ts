// Whose turn a request waits for: that of the project and the customer whose key or token it carries, or of its client's address.
import type { ApiDeps } from "../../deps.ts";
import { authenticate, type AuthDeps } from "../auth.ts";
import type { NodeRequest } from "../lean-path.ts";
import { addressOwner } from "./address-owner.ts";

/** The owner of a request, for its turn. */
export interface RequestOwner {
	readonly projectId: string;
	readonly customerId: string | null;
}

/** In place of a project: what keys of the workspace do outside of any, and all who have no valid key, divided by their addresses. */
const WORKSPACE = "workspace";
const NOBODY = "nobody";
const PROJECT_IN_PATH = /^\/projects\/(proj_[0-9a-f]{32})(?:[/?]|$)/;

const SEND = /^\/projects\/proj_[0-9a-f]{32}\/events(?::batch)?$/;

/**
 * Finds out whose turn a request waits for. Called only for those that would have to wait. Null for a send with a valid key, which begins at
 * once: sends take turns in commits, and those that come together share one.
 */
export function createRequestOwner(
	deps: AuthDeps & Pick<ApiDeps, "clientAddress">,
): (request: NodeRequest) => RequestOwner | null {
	return ({ headers, method, url = "", socket }) => {
		const header = (name: string) => {
			const value = headers[name];
			return typeof value === "string" ? value : undefined;
		};
		try {
			const principal = authenticate(deps, header);
			if (principal.kind === "customer") return principal;
			if (method === "POST" && SEND.test(url)) return null;
			const projectId = principal.key.projectId ?? PROJECT_IN_PATH.exec(url)?.[1] ?? WORKSPACE;
			return { projectId, customerId: null };
		} catch {
			// Whatever is wrong with the key, the caller is told when the request is handled.
			const address = deps.clientAddress(socket.remoteAddress, header("x-forwarded-for"));
			return { projectId: NOBODY, customerId: addressOwner(address) };
		}
	};
}
