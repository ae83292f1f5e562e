// Projects as responses show them.
import type { z } from "@hono/zod-openapi";

import type { ProjectCustomerLimits } from "../../../core/policies/customer-limits.ts";
import type { ProjectUsage } from "../../../core/policies/quota.ts";
import { FIRST_VERSION, type Project } from "../../../core/workspace.ts";
import type { projectSchema, projectUsageSchema } from "./schemas.ts";

/** Has some fields that Fanfare does not use: the Nexus SDK requires them. */
export function presentProject(project: Project): z.infer<typeof projectSchema> {
	const { id, name, workspaceId, createDate, eventTypes, revision } = project;
	const { retentionDays, payloadRetentionDays, maxEventsPerSecond, maxStoredBytes } = project;
	return {
		id,
		object: "project",
		name,
		workspaceId,
		type: "webhooks",
		createDate,
		localization: "local",
		tags: [],
		groups: [],
		statistic: { tagsCount: [], totalAssets: 0, annotatedAssets: 0, totalAnnotations: 0 },
		// Present only if set, so that clients that know only Nexus's fields get only those.
		...(eventTypes !== "open" && { eventTypes }),
		...(retentionDays !== null && { retentionDays }),
		...(payloadRetentionDays !== null && { payloadRetentionDays }),
		...(maxEventsPerSecond !== null && { maxEventsPerSecond }),
		...(maxStoredBytes !== null && { maxStoredBytes }),
		...customerLimits(project),
		...(revision !== FIRST_VERSION && { revision }),
	};
}

function customerLimits(project: ProjectCustomerLimits) {
	const { maxWebhooksPerCustomer, maxReplaysPerCustomer, maxStreamsPerCustomer, maxTestsPerCustomer } = project;
	return {
		...(maxWebhooksPerCustomer !== null && { maxWebhooksPerCustomer }),
		...(maxReplaysPerCustomer !== null && { maxReplaysPerCustomer }),
		...(maxStreamsPerCustomer !== null && { maxStreamsPerCustomer }),
		...(maxTestsPerCustomer !== null && { maxTestsPerCustomer }),
	};
}

export function presentUsage(usage: ProjectUsage): z.infer<typeof projectUsageSchema> {
	const { storedBytes, maxEventsPerSecond, maxStoredBytes, maxChangesPerMinute, maxChangesPerMinutePerCustomer } =
		usage;
	const ofChanges = { maxChangesPerMinute, maxChangesPerMinutePerCustomer };
	const { retentionDays, payloadRetentionDays, ...server } = usage.serverSettings;
	return {
		object: "projectUsage",
		storedBytes,
		maxEventsPerSecond,
		maxStoredBytes,
		...ofChanges,
		serverSettings: {
			retentionDays,
			payloadRetentionDays: payloadRetentionDays ?? 0,
			maxEventsPerSecond: server.maxEventsPerSecond,
			maxStoredBytes: server.maxStoredBytes,
			maxWebhooksPerCustomer: server.maxWebhooksPerCustomer,
			maxReplaysPerCustomer: server.maxReplaysPerCustomer,
			maxStreamsPerCustomer: server.maxStreamsPerCustomer,
			maxTestsPerCustomer: server.maxTestsPerCustomer,
		},
	};
}
