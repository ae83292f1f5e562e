// client.projects: the projects of the workspace.
import { objectArgument } from "../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import type { AnyEvents } from "./event.ts";
import { Project, projectPath, type EventTypePolicy } from "./project.ts";
import type { Deleted } from "./webhooks/webhook.ts";

/** A project to create. */
export interface CreateProject {
	/** 1–128 characters. */
	readonly name: string;
}

/** Changes to a project. Omitted fields stay unchanged. */
export interface UpdateProject {
	/** 1–128 characters. */
	readonly name?: string | undefined;
	/** Which events it accepts. */
	readonly eventTypes?: EventTypePolicy | undefined;
	/** Days that events are kept, with their deliveries and attempts; 0 for forever, null for the server's setting. */
	readonly retentionDays?: number | null | undefined;
	/** Days that payloads are kept; 0 for as long as their event, null for the server's setting. */
	readonly payloadRetentionDays?: number | null | undefined;
	/** Events that it may send in a second, on average; 0 for no quota, null for the server's setting. */
	readonly maxEventsPerSecond?: number | null | undefined;
	/** Bytes that it may have stored; 0 for no quota of its own, null for the server's setting. */
	readonly maxStoredBytes?: number | null | undefined;
	/** Webhooks that each of its customers may have; null for the server's setting. */
	readonly maxWebhooksPerCustomer?: number | null | undefined;
	/** Replays to the webhooks of each customer that may run at once; null for the server's setting. */
	readonly maxReplaysPerCustomer?: number | null | undefined;
	/** Live streams that each customer may have open; null for the server's setting. */
	readonly maxStreamsPerCustomer?: number | null | undefined;
	/** Tests of each customer's webhooks that may be under way; null for the server's setting. */
	readonly maxTestsPerCustomer?: number | null | undefined;
	/**
	 * The `revision` that your changes were made on; 1 if the project has none. If somebody else has changed the project since, nothing
	 * is changed and the call rejects with a `ConflictError`. If omitted, the given fields are changed in any case.
	 */
	readonly revision?: number | undefined;
}

/** Filters for projects. All are optional. */
export interface ProjectFilter extends ListParams {
	/** Only projects whose id or name contains this text, in upper or lower case. */
	readonly q?: string | undefined;
}

/** The projects. Use it as `client.projects`. */
export class Projects<Types extends object = AnyEvents> {
	readonly #transport: Transport;

	/** @internal */
	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/**
	 * Creates a project. Retried only if the server has not started to process the call, because a second call creates a
	 * second project.
	 *
	 * @example
	 * const project = await client.projects.create({ name: "Shop production" });
	 */
	async create(project: CreateProject, options?: RequestOptions): Promise<Project<Types>> {
		const body: wire.ProjectName = objectArgument("project", project, '{ name: "Shop" }');
		return this.#call({ method: "POST", path: "/workspace/projects", json: JSON.stringify(body) }, options);
	}

	/** Returns all projects that the key has access to. This list is not paged: `search` is. */
	async list(options?: RequestOptions): Promise<Project<Types>[]> {
		const request = { method: "GET", path: "/workspace/projects", answer: "projects" } as const;
		const projects = await this.#transport.request<readonly wire.Project[]>(request, options);
		return projects.map((fields) => new Project<Types>(this.#transport, fields));
	}

	/**
	 * Searches the projects that the key has access to, in pages, newest first.
	 *
	 * @example
	 * const { data } = await client.projects.search({ q: "shop", limit: 20 });
	 */
	search(params: ProjectFilter = {}, options?: RequestOptions): PagePromise<Project<Types>> {
		const { page, ...query } = params;
		const read = (fields: unknown) => new Project<Types>(this.#transport, fields as wire.Project);
		return listOf(this.#transport, { path: "/projects", query: { ...query } }, page, options, read);
	}

	/** Fetches one project. `proj_` is added to the id if it is missing. */
	async get(projectId: string, options?: RequestOptions): Promise<Project<Types>> {
		return this.#call({ method: "GET", path: projectPath(projectId) }, options);
	}

	/**
	 * Changes the given fields; omitted fields stay unchanged. With a `revision`, it may reject with a `ConflictError` although it
	 * succeeded: if the response was lost and the call was retried.
	 */
	async update(projectId: string, changes: UpdateProject, options?: RequestOptions): Promise<Project<Types>> {
		const body: wire.UpdateProject = objectArgument("changes", changes, '{ name: "Shop" }');
		return this.#call({ method: "PATCH", path: projectPath(projectId), json: JSON.stringify(body) }, options);
	}

	/** Deletes a project with its webhooks and keys, and cancels its waiting deliveries. This cannot be undone. */
	async delete(projectId: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: projectPath(projectId), answer: "deleted" },
			options,
		);
	}

	async #call(
		request: Parameters<Transport["request"]>[0],
		options: RequestOptions | undefined,
	): Promise<Project<Types>> {
		return new Project<Types>(
			this.#transport,
			await this.#transport.request<wire.Project>({ ...request, answer: "project" }, options),
		);
	}
}
