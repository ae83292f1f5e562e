// The workspace (one installation) and its projects (the tenants).
import type { EventTypePolicy } from "./event-type.ts";
import { isProjectId } from "./ids.ts";
import type { Page, PageRequest } from "./page.ts";
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

/** All settings of a project. */
export type ProjectSettings = Omit<Project, "id" | "workspaceId" | "createDate" | "revision">;

/** Changes of a project's settings. A setting that is omitted stays as it is. */
export interface ProjectPatch extends Partial<ProjectSettings> {
	/** The revision that the changes were made on. If omitted, they are made on any. */
	readonly revision?: number;
}

/** The version of a new project or workspace, and the revision of a new project's settings. */
export const FIRST_VERSION = 1;

type Placed = Pick<Project, "id" | "createDate">;

const POSITION = /^(\d{1,16})\.(.+)$/;

/**
 * The place of a project in their order: by date, then by id. It stays right when the project is deleted.
 *
 * @example
 * projectPosition({ id: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4", createDate: 5 }); // "5.proj_ca5fe71e7592bbcf7705ea36e4f29ed4"
 */
export function projectPosition({ id, createDate }: Placed): string {
	return `${createDate}.${id}`;
}

/** Whether a text is a `projectPosition`. */
export function isProjectPosition(text: string): boolean {
	return parse(text) !== null;
}

/**
 * The page of some projects that a request asks for, newest first. Only those whose id or name contains `q` count, in upper or lower case.
 *
 * @example
 * projectPage(projects, "shop", { limit: 20, cursor: null }).rows;
 */
export function projectPage(
	projects: readonly Project[],
	q: string | null,
	{ limit, cursor }: PageRequest,
): Page<Project> {
	const needle = (q ?? "").toLowerCase();
	const all = projects
		.filter(({ id, name }) => id.includes(needle) || name.toLowerCase().includes(needle))
		.sort(newestFirst);
	const place = cursor === null ? null : parse(cursor.id);
	if (cursor === null || place === null) {
		return { rows: all.slice(0, limit), hasNewer: false, hasOlder: all.length > limit };
	}
	const newer = all.filter((project) => newestFirst(project, place) < 0);
	const older = all.filter((project) => newestFirst(project, place) > 0);
	const isThere = newer.length + older.length < all.length;
	if (cursor.direction === "older") {
		return { rows: older.slice(0, limit), hasNewer: isThere || newer.length > 0, hasOlder: older.length > limit };
	}
	return { rows: newer.slice(-limit), hasNewer: newer.length > limit, hasOlder: isThere || older.length > 0 };
}

function newestFirst(a: Placed, b: Placed): number {
	if (a.createDate !== b.createDate) return b.createDate - a.createDate;
	if (a.id === b.id) return 0;
	return a.id < b.id ? 1 : -1;
}

function parse(text: string): Placed | null {
	const [, date, id] = POSITION.exec(text) ?? [];
	return date === undefined || id === undefined || !isProjectId(id) ? null : { id, createDate: Number(date) };
}
