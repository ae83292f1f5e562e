// The workspace and its status as responses show it.
import type { z } from "@hono/zod-openapi";

import type { Workspace } from "../../../core/workspace.ts";
import type { WorkspaceStatus } from "../../../engine/status-calls.ts";
import type { Member } from "../../../ports/membership.ts";
import type { AppDeps } from "../../deps.ts";
import type { memberSchema, workspaceSchema, workspaceStatusSchema } from "./schemas.ts";

export function presentWorkspace(workspace: Workspace): z.infer<typeof workspaceSchema> {
	const { id, name, owner, tier, createDate } = workspace;
	return { id, object: "workspace", name, owner, tier, createDate };
}

/** The status of the engine, and that of the server around it. */
export function presentStatus(
	{ startDate, date, store, backlog, commits, limits, members, warnings }: WorkspaceStatus,
	{ version, serverStatus, bodyBytes }: Pick<AppDeps, "version" | "serverStatus" | "bodyBytes">,
): z.infer<typeof workspaceStatusSchema> {
	const server = serverStatus();
	const { storedBytes, fileBytes, volume } = store;
	return {
		object: "workspaceStatus",
		version,
		startDate,
		date,
		store: {
			storedBytes,
			fileBytes,
			volumeBytes: volume?.sizeBytes ?? null,
			freeBytes: volume?.freeBytes ?? null,
		},
		backlog: { ...backlog },
		commits: { ...commits },
		limits: [...limits, bodyBytes(), ...server.limits],
		members: members?.map(presentMember) ?? null,
		warnings: [...warnings, ...server.warnings],
	};
}

function presentMember({ isSelf, duties, load, ...member }: Member): z.infer<typeof memberSchema> {
	const { id, name, address, port, version, role, state, joinDate, seenDate, seenAgoMs, shards } = member;
	const about = { id, name, address, port, version, role, state, self: isSelf };
	return { ...about, joinDate, seenDate, seenAgoMs, shards, duties: [...duties], ...load };
}
