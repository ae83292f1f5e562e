// A project: a tenant, and what belongs to it.
import { path, type Transport } from "../transport.ts";
import { Deliveries } from "./deliveries.ts";
import { Events } from "./events.ts";
import { Webhooks } from "./webhooks.ts";

const PREFIX = "proj_";

/** A project by its id alone, for work in it without asking for it first. */
export class ProjectHandle {
	readonly id: string;
	readonly #batch: { readonly webhooks: Webhooks };
	readonly #events: Events;
	readonly #deliveries: Deliveries;

	constructor(transport: Transport, id: string) {
		this.id = withPrefix(id);
		this.#batch = { webhooks: new Webhooks(transport, this.id) };
		this.#events = new Events(transport, this.id);
		this.#deliveries = new Deliveries(transport, this.id);
	}

	// Getters: what a project logs and serializes to is its own fields.
	get batch(): { readonly webhooks: Webhooks } {
		return this.#batch;
	}

	get events(): Events {
		return this.#events;
	}

	get deliveries(): Deliveries {
		return this.#deliveries;
	}
}

/** A project's own fields. */
export interface ProjectFields {
	/** `proj_` and 32 hex digits. */
	readonly id: string;
	readonly object: "project";
	readonly name: string;
	readonly workspaceId: string;
	readonly type: string;
	readonly createDate: number;
	readonly localization: string;
	readonly tags: readonly string[];
	readonly groups: readonly string[];
}

/** A project as the server knows it, and a handle to work in it. */
export class Project extends ProjectHandle implements ProjectFields {
	readonly object: "project";
	readonly name: string;
	readonly workspaceId: string;
	readonly type: string;
	readonly createDate: number;
	readonly localization: string;
	readonly tags: readonly string[];
	readonly groups: readonly string[];

	constructor(transport: Transport, fields: ProjectFields) {
		super(transport, fields.id);
		this.object = fields.object;
		this.name = fields.name;
		this.workspaceId = fields.workspaceId;
		this.type = fields.type;
		this.createDate = fields.createDate;
		this.localization = fields.localization;
		this.tags = fields.tags;
		this.groups = fields.groups;
	}
}

/** The path of a project by its id, whose prefix may be missing. */
export function projectPath(id: string): string {
	return path`/projects/${withPrefix(id)}`;
}

/** `id` with `proj_` in front. */
export function withPrefix(id: string): string {
	if (typeof id !== "string" || id === "" || id === PREFIX) {
		throw new TypeError(`A project id must be a string such as "proj_ca5f…", got ${JSON.stringify(id) ?? typeof id}.`);
	}
	return id.startsWith(PREFIX) ? id : PREFIX + id;
}
