// The workspace and its projects.
import type { EventTypePolicy } from "../../../core/event-type.ts";
import type { Project, Workspace } from "../../../core/workspace.ts";
import type { StoreIdentity } from "../../../ports/store/lifecycle.ts";
import { code, id, number, orNull, record, text } from "./columns.ts";

/** Permanent, on disk: a number never changes its meaning. */
const EVENT_TYPE_POLICY_CODES = { open: 0, catalogued: 1 } as const satisfies Record<EventTypePolicy, number>;

/** The one row of `workspace`. */
export const IDENTITY = record<StoreIdentity>({
	workspace: record<Workspace>({
		id: id("id", "ws"),
		name: text("name"),
		owner: text("owner"),
		tier: text("tier"),
		createDate: number("create_date"),
	}),
	masterKeyFingerprint: text("master_key_fingerprint"),
});

/** A row of `projects`. */
export const PROJECT = record<Project>({
	id: id("id", "proj"),
	workspaceId: id("workspace_id", "ws"),
	name: text("name"),
	eventTypes: code("event_type_policy", EVENT_TYPE_POLICY_CODES),
	retentionDays: orNull(number("retention_days")),
	payloadRetentionDays: orNull(number("payload_retention_days")),
	maxEventsPerSecond: orNull(number("max_events_per_second")),
	maxStoredBytes: orNull(number("max_stored_bytes")),
	maxWebhooksPerCustomer: orNull(number("max_webhooks_per_customer")),
	maxReplaysPerCustomer: orNull(number("max_replays_per_customer")),
	maxStreamsPerCustomer: orNull(number("max_streams_per_customer")),
	maxTestsPerCustomer: orNull(number("max_tests_per_customer")),
	createDate: number("create_date"),
	revision: number("revision"),
});
