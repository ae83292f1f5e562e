// The installation and its tenants.

/** One installation of Fanfare. */
export interface Workspace {
	readonly id: string;
	readonly name: string;
	readonly owner: string;
	readonly tier: string;
	readonly createDate: number;
}

/** A tenant: owns webhooks, events and keys. */
export interface Project {
	readonly id: string;
	readonly workspaceId: string;
	readonly name: string;
	readonly createDate: number;
}
