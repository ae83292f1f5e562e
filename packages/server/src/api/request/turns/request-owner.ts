// Whose turn a request waits for: that of the project and the customer whose key or token it carries, or of its client's address.
import { FanfareError } from "../../../core/errors.ts";
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

/** Finds out whose turn a request waits for. Called only for those that have to wait. */
export function createRequestOwner(
	deps: AuthDeps & Pick<ApiDeps, "clientAddress">,
): (request: NodeRequest) => RequestOwner {
	return ({ headers, url = "", socket }) => {
		const header = (name: string) => {
			const value = headers[name];
			return typeof value === "string" ? value : undefined;
		};
		try {
			const principal = authenticate(deps, header);
			if (principal.kind === "customer") return principal;
			const projectId = principal.key.projectId ?? PROJECT_IN_PATH.exec(url)?.[1] ?? WORKSPACE;
			return { projectId, customerId: null };
		} catch (error) {
			if (!(error instanceof FanfareError)) throw error;
			const address = deps.clientAddress(socket.remoteAddress, header("x-forwarded-for"));
			return { projectId: NOBODY, customerId: addressOwner(address) };
		}
	};
}
