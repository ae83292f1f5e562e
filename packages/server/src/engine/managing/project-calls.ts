// Projects, the tenants: created, changed and deleted here.
import { FanfareError, invalidRequest } from "../../core/errors.ts";
import { makeProjectId } from "../../core/ids.ts";
import { retentionConflict } from "../../core/policies/retention.ts";
import type { Project, Workspace } from "../../core/workspace.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { Projects, ProjectSettings } from "../calls.ts";
import type { PartsOn } from "../parts.ts";
import { SerialByKey } from "./serial-by-key.ts";

type Parts = Pick<PartsOn<DirectoryStore>, "store" | "clock">;

/** All projects, in memory. A change is written to the store first, and takes effect in memory once it is stored. */
export class ProjectCalls implements Projects {
	readonly #parts: Parts;
	readonly #workspace: Workspace;
	readonly #projects: Map<string, Project>;
	/** Changes of one project run one after the other, so that none is lost. */
	readonly #changes = new SerialByKey();
	readonly #deleted: (projectId: string) => void;

	/**
	 * `deleted` is called with the id of each deleted project, to delete its webhooks and keys from memory and end its
	 * streams.
	 */
	constructor(parts: Parts, workspace: Workspace, projects: readonly Project[], deleted: (projectId: string) => void) {
		this.#parts = parts;
		this.#workspace = workspace;
		this.#projects = new Map(projects.map((project) => [project.id, project]));
		this.#deleted = deleted;
	}

	list(): readonly Project[] {
		return [...this.#projects.values()];
	}

	get(projectId: string): Project {
		const project = this.#projects.get(projectId);
		if (project === undefined) {
			throw new FanfareError(
				"project_not_found",
				"No such project. GET /workspace/projects lists the projects that this key can access.",
			);
		}
		return project;
	}

	async create(name: string): Promise<Project> {
		const project: Project = {
			id: makeProjectId(),
			workspaceId: this.#workspace.id,
			name,
			eventTypes: "open",
			retentionDays: null,
			payloadRetentionDays: null,
			createDate: this.#parts.clock.now(),
		};
		await this.#parts.store.insertProject(project);
		this.#projects.set(project.id, project);
		return project;
	}

	update(projectId: string, changes: Partial<ProjectSettings>): Promise<Project> {
		return this.#changes.run(projectId, async () => {
			const project = { ...this.get(projectId), ...changes };
			checkRetention(project);
			await this.#parts.store.updateProject(project);
			this.#projects.set(projectId, project);
			return project;
		});
	}

	delete(projectId: string): Promise<void> {
		return this.#changes.run(projectId, async () => {
			this.get(projectId);
			await this.#parts.store.deleteProject(projectId, this.#parts.clock.now());
			this.#projects.delete(projectId);
			this.#deleted(projectId);
		});
	}
}

function checkRetention({ retentionDays, payloadRetentionDays }: Project): void {
	const message = retentionConflict(retentionDays, payloadRetentionDays);
	if (message !== null) throw invalidRequest([{ path: "payloadRetentionDays", message }]);
}
