// The workspace (one installation) and its projects (the tenants).
import type { EventTypePolicy } from "./event-type.ts";
import type { ProjectCustomerLimits } from "./policies/customer-limits.ts";
import type { ProjectQuotas } from "./policies/quota.ts";
import type { ProjectRetention } from "./policies/retention.ts";

/** One installation of Fanfare. */
export interface Workspace {
	readonly id: string;
	readonly name: string;
	readonly owner: string;
	readonly tier: string;
	readonly createDate: number;
}

/** A tenant: it owns webhooks, events, event types and keys. */
export interface Project extends ProjectRetention, ProjectQuotas, ProjectCustomerLimits {
	readonly id: string;
	readonly workspaceId: string;
	readonly name: string;
	/** Whether events must have a type of the project's list of event types. */
	readonly eventTypes: EventTypePolicy;
	readonly createDate: number;
	/** Rises with each change of these settings. The store sets it: to the version that the change has given the project. */
	readonly revision: number;
}

/** The version of a new project or workspace, and the revision of a new project's settings. */
export const FIRST_VERSION = 1;
