// The installation and its tenants.
import type { EventTypePolicy } from "./event-type.ts";
import type { ProjectRetention } from "./policies/retention.ts";

/** One installation of Fanfare. */
export interface Workspace {
	readonly id: string;
	readonly name: string;
	readonly owner: string;
	readonly tier: string;
	readonly createDate: number;
}

/** A tenant: owns webhooks, events and keys. */
export interface Project extends ProjectRetention {
	readonly id: string;
	readonly workspaceId: string;
	readonly name: string;
	/** Whether events must be of a type in the catalogue. */
	readonly eventTypes: EventTypePolicy;
	readonly createDate: number;
}
