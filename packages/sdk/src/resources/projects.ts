// client.projects: the tenants of a workspace.
import type { RequestOptions, Transport } from "../transport.ts";
import { Project, projectPath, type ProjectFields } from "./project.ts";
import type { Deleted } from "./webhooks.ts";

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
		const request = { method: "GET", path: "/workspace/projects" } as const;
		const projects = await this.#transport.request<readonly ProjectFields[]>(request, options);
		return projects.map((fields) => new Project(this.#transport, fields));
	}

	/** One project; `proj_` is added to the id if it is missing. */
	async get(projectId: string, options?: RequestOptions): Promise<Project> {
		return this.#call({ method: "GET", path: projectPath(projectId) }, options);
	}

	async update(
		projectId: string,
		changes: { readonly name?: string | undefined },
		options?: RequestOptions,
	): Promise<Project> {
		return this.#call({ method: "PATCH", path: projectPath(projectId), json: JSON.stringify(changes) }, options);
	}

	async delete(projectId: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>({ method: "DELETE", path: projectPath(projectId) }, options);
	}

	async #call(request: Parameters<Transport["request"]>[0], options: RequestOptions | undefined): Promise<Project> {
		return new Project(this.#transport, await this.#transport.request<ProjectFields>(request, options));
	}
}
