// The workspace and its status as responses show it.
import type { z } from "@hono/zod-openapi";

import type { Workspace } from "../../../core/workspace.ts";
import type { WorkspaceStatus } from "../../../engine/status-calls.ts";
import type { DatabaseFacts } from "../../../ports/database.ts";
import type { Member, MemberMessages } from "../../../ports/membership.ts";
import type { AppDeps, ServerStatus } from "../../deps.ts";
import type { databaseSchema, memberSchema, messagesSchema } from "./cluster-schemas.ts";
import type { workspaceSchema, workspaceStatusSchema } from "./schemas.ts";

export function presentWorkspace(workspace: Workspace): z.infer<typeof workspaceSchema> {
	const { id, name, owner, tier, createDate } = workspace;
	return { id, object: "workspace", name, owner, tier, createDate };
}

/** The status of the engine, and that of the server around it. */
export function presentStatus(
	{ startDate, date, store, backlog, commits, limits, members, warnings }: WorkspaceStatus,
	server: ServerStatus,
	{ version, bodyBytes }: Pick<AppDeps, "version" | "bodyBytes">,
): z.infer<typeof workspaceStatusSchema> {
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
		database: server.database && presentDatabase(server.database),
		members: members?.map(presentMember) ?? null,
		warnings: [...warnings, ...server.warnings],
	};
}

function presentDatabase({ isReachable, standbys, ...facts }: DatabaseFacts): z.infer<typeof databaseSchema> {
	return { reachable: isReachable, ...facts, standbys: standbys?.map((standby) => ({ ...standby })) ?? null };
}

function presentMember({ isSelf, duties, load, messages, ...member }: Member): z.infer<typeof memberSchema> {
	const { id, name, address, port, version, role, state, joinDate, seenDate, seenAgoMs, shards } = member;
	const about = { id, name, address, port, version, role, state, self: isSelf };
	const seen = { joinDate, seenDate, seenAgoMs, shards, duties: [...duties], ...load };
	return { ...about, ...seen, messages: messages && presentMessages(messages) };
}

/** A member of a later version may say more than the schema has. */
function presentMessages({ pollMs, nats }: MemberMessages): z.infer<typeof messagesSchema> {
	if (nats === null) return { pollMs, nats };
	const { isUp, server, sent, received, late, unsent, handedOff, handedOver, missed, refused } = nats;
	const kinds = ({ hints, looks, answers, beats }: typeof sent) => ({ hints, looks, answers, beats });
	return {
		pollMs,
		nats: {
			up: isUp,
			server,
			sent: { deliveries: handedOff, ...kinds(sent) },
			received: { deliveries: handedOver, ...kinds(received) },
			late,
			refused,
			unsent,
			missed,
		},
	};
}
