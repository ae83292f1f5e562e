// Projects, the tenants: created, changed and deleted here.
import type { AuditDraft } from "../../core/access/audit.ts";
import { wholeProject, type Scope } from "../../core/access/principal.ts";
import { SerialByKey } from "../../core/concurrency/serial-by-key.ts";
import { counted, FanfareError, invalidRequest } from "../../core/errors.ts";
import { makeProjectId } from "../../core/ids.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { ChangeQuotas } from "../../core/policies/change-quota.ts";
import { customerLimitsOf, NO_CUSTOMER_LIMITS, type CustomerLimits } from "../../core/policies/customer-limits.ts";
import { quotasOf, type ProjectUsage } from "../../core/policies/quota.ts";
import { retentionConflict } from "../../core/policies/retention.ts";
import { FIRST_VERSION, projectPage, type Project, type ProjectPatch } from "../../core/workspace.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { UsageStore } from "../../ports/store/usage.ts";
import type { Change, Projects } from "../calls.ts";
import type { ChangeMaker } from "../change.ts";
import type { Directory } from "../directory/directory.ts";
import type { EngineLimits, EngineSettings, PartsOn } from "../parts.ts";
import { auditEntry, withEntry, type MakeEntry } from "./changes/audit-entries.ts";
import { retried, revisionConflict, UNCHANGED } from "./changes/revisions.ts";
import type { DeletedProjects } from "./deleted-projects.ts";

type Parts = Pick<PartsOn<DirectoryStore & UsageStore>, "store" | "clock" | "chance" | "ids" | "changeRates">;

interface Settings extends Pick<EngineSettings, "retention" | "quotas"> {
	readonly limits: Pick<EngineLimits, "maxProjects"> & ChangeQuotas & CustomerLimits;
}

interface Neighbours {
	readonly directory: Directory;
	readonly deleted: Pick<DeletedProjects, "finish">;
}

/** All projects. Changes of one project run one after the other. */
export class ProjectCalls implements Projects {
	readonly #parts: Parts;
	readonly #settings: Settings;
	readonly #directory: Directory;
	readonly #deleted: Neighbours["deleted"];
	readonly #changes = new SerialByKey();

	/** Where a project has no settings of its own, those of the server apply. */
	constructor(parts: Parts, settings: Settings, { directory, deleted }: Neighbours) {
		this.#parts = parts;
		this.#settings = settings;
		this.#directory = directory;
		this.#deleted = deleted;
	}

	list(): readonly Project[] {
		return this.#directory.projects();
	}

	search(projectId: string | null, q: string | null, request: PageRequest): Page<Project> {
		// There can be thousands of others.
		const projects = projectId === null ? this.#directory.projects() : [this.#directory.project(projectId)];
		return projectPage(projects, q, request);
	}

	get(scope: Scope): Project {
		return this.#directory.project(wholeProject(scope));
	}

	async usage(scope: Scope): Promise<ProjectUsage> {
		const project = this.get(scope);
		const { projects } = await this.#parts.store.usage([project.id]);
		const { limits, retention, quotas } = this.#settings;
		const { maxChangesPerMinute, maxChangesPerMinutePerCustomer } = limits;
		const ofChanges = { maxChangesPerMinute, maxChangesPerMinutePerCustomer };
		const serverSettings = { ...retention, ...quotas, ...customerLimitsOf(limits, NO_CUSTOMER_LIMITS) };
		return { storedBytes: projects[0] ?? 0, ...quotasOf(quotas, project), ...ofChanges, serverSettings };
	}

	checkQuota(maker: ChangeMaker, projectId: string): void {
		this.#parts.changeRates.checkCall(maker, projectId);
	}

	async create(name: string, audit: AuditDraft | null): Promise<Project> {
		const project: Project = {
			id: makeProjectId(this.#parts.chance),
			workspaceId: this.#directory.workspace.id,
			name,
			eventTypes: "open",
			retentionDays: null,
			payloadRetentionDays: null,
			maxEventsPerSecond: null,
			maxStoredBytes: null,
			...NO_CUSTOMER_LIMITS,
			createDate: this.#parts.clock.now(),
			revision: FIRST_VERSION,
		};
		const entry = auditEntry(this.#parts, audit, { objectId: project.id, projectId: project.id });
		const version = await this.#parts.store.insertProject(project, entry, this.#settings.limits.maxProjects);
		if (version === "full") throw tooMany(this.#settings.limits.maxProjects);
		await this.#directory.addProject(project, version);
		return project;
	}

	update({ scope, audit }: Change, { revision: wanted, ...changes }: ProjectPatch): Promise<Project> {
		const projectId = wholeProject(scope);
		const object = { objectId: projectId, projectId };
		const refresh = () => this.#directory.refresh("project", projectId);
		const attempt = async (makeEntry: MakeEntry): Promise<Project | typeof UNCHANGED> => {
			const isEmpty = Object.keys(changes).length === 0;
			// A revision that this process does not know yet is one that another process has given; and no write finds out what others have changed.
			if (isEmpty || (wanted !== undefined && wanted > this.#directory.project(projectId).revision)) await refresh();
			const known = this.#directory.project(projectId);
			if (wanted !== undefined && known.revision !== wanted) throw revisionConflict("project", known.revision);
			const project = { ...known, ...changes };
			if (!isEmpty) checkRetention(project);
			const entry = makeEntry();
			if (isEmpty) return known;
			const revision = await this.#parts.store.updateProject(project, { expected: known.revision, entry });
			if (revision === null) return UNCHANGED;
			await this.#directory.putProject({ ...project, revision });
			return { ...project, revision };
		};
		const tried = () => withEntry(this.#parts, audit, object, (entry) => retried(() => attempt(entry), refresh));
		return this.#changes.run(projectId, tried);
	}

	delete({ scope, audit }: Change): Promise<void> {
		const projectId = wholeProject(scope);
		return this.#changes.run(projectId, async () => {
			this.#directory.project(projectId);
			const now = this.#parts.clock.now();
			const entry = auditEntry(this.#parts, audit, { objectId: projectId, projectId });
			const version = await this.#parts.store.deleteProject(projectId, now, entry);
			// Another process was faster.
			const isKnown =
				version === null
					? this.#directory.refresh("project", projectId)
					: this.#directory.removeProject(projectId, now, version);
			await Promise.all([isKnown, this.#deleted.finish(projectId)]);
		});
	}
}

function checkRetention({ retentionDays, payloadRetentionDays }: Project): void {
	const message = retentionConflict(retentionDays, payloadRetentionDays);
	if (message !== null) throw invalidRequest([{ path: "payloadRetentionDays", message }]);
}

function tooMany(maxProjects: number): FanfareError {
	return new FanfareError(
		"too_many_projects",
		`A workspace has at most ${counted(maxProjects, "project")}. Delete some that are no longer needed, or raise FANFARE_MAX_PROJECTS.`,
	);
}
