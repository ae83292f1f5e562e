// client.projects: the tenants of a workspace.
import type { RequestOptions, Transport } from "../transport.ts";
import { Project, projectPath, type EventTypePolicy, type WireProject } from "./project.ts";
import type { Deleted } from "./webhooks.ts";

/** What is left out stays. */
export interface UpdateProject {
	readonly name?: string | undefined;
	readonly eventTypes?: EventTypePolicy | undefined;
	/** Days that events are kept, with their deliveries and attempts; 0: for ever. Null: as the server's settings say. */
	readonly retentionDays?: number | null | undefined;
	/** Days that payloads are kept; 0: as long as their event. Null: as the server's settings say. */
	readonly payloadRetentionDays?: number | null | undefined;
}

export class Projects {
	readonly #transport: Transport;

	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/** Makes a project. A second call makes a second, so this is repeated only where the server has refused to begin. */
	async create(project: { readonly name: string }, options?: RequestOptions): Promise<Project> {
		return this.#call({ method: "POST", path: "/workspace/projects", json: JSON.stringify(project) }, options);
	}

	/** All projects that the key opens. An array, not pages: so it is on the wire. */
	async list(options?: RequestOptions): Promise<Project[]> {
		const request = { method: "GET", path: "/workspace/projects", answer: "projects" } as const;
		const projects = await this.#transport.request<readonly WireProject[]>(request, options);
		return projects.map((fields) => new Project(this.#transport, fields));
	}

	/** One project; `proj_` is added to the id if it is missing. */
	async get(projectId: string, options?: RequestOptions): Promise<Project> {
		return this.#call({ method: "GET", path: projectPath(projectId) }, options);
	}

	/** Changes what is named and leaves the rest. */
	async update(projectId: string, changes: UpdateProject, options?: RequestOptions): Promise<Project> {
		return this.#call({ method: "PATCH", path: projectPath(projectId), json: JSON.stringify(changes) }, options);
	}

	async delete(projectId: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: projectPath(projectId), answer: "deleted" },
			options,
		);
	}

	async #call(request: Parameters<Transport["request"]>[0], options: RequestOptions | undefined): Promise<Project> {
		return new Project(
			this.#transport,
			await this.#transport.request<WireProject>({ ...request, answer: "project" }, options),
		);
	}
}
