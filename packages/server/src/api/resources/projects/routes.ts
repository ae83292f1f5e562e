// Projects. They are created, changed and deleted with a key of the whole workspace.
import { z } from "@hono/zod-openapi";

import { projectScope, type Principal } from "../../../core/access/principal.ts";
import { decodeCursor, PAGE_LIMIT } from "../../../core/page.ts";
import { isProjectPosition, projectPosition, type Project } from "../../../core/workspace.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { json, keyWith, route, workspaceKeyWith } from "../../request/route.ts";
import { checkNewValues } from "../common/kept-values.ts";
import { textListReply } from "../common/list-reply.ts";
import { deletedSchema, listOf } from "../common/schemas.ts";
import { projectChanges } from "./input.ts";
import { presentProject, presentUsage } from "./present.ts";
import { projectListReply } from "./project-list.ts";
import {
	projectNameSchema,
	projectQuerySchema,
	projectSchema,
	projectUsageSchema,
	updateProjectSchema,
	newInProjectSchema,
} from "./schemas.ts";

const nameBody = jsonBody(projectNameSchema, { name: "My project" });

export const projectRoutes = [
	route({
		id: "listProjects",
		tag: "Workspace",
		method: "get",
		path: "/workspace/projects",
		access: keyWith("read"),
		summary: "List projects",
		description:
			"Oldest first, as an array without pages: `GET /projects` has pages, newest first. A key of one project gets only that project.",
		answers: { 200: { description: "The projects that the key opens.", schema: z.array(projectSchema) } },
		handle({ deps, principal }) {
			const opened = openedBy(principal);
			const { projects } = deps.engine;
			return projectListReply(opened === null ? projects.list() : [projects.get(projectScope(opened))], deps.clock);
		},
	}),
	route({
		id: "searchProjects",
		tag: "Projects",
		method: "get",
		path: "/projects",
		access: keyWith("read"),
		summary: "Search projects",
		description: "In pages, newest first. A key of one project finds only that project.",
		query: projectQuerySchema,
		answers: { 200: { description: "A page of the projects that the key opens.", schema: listOf(projectSchema) } },
		handle({ deps, principal, query }) {
			const { limit = PAGE_LIMIT.default, page, q = null } = query;
			const request = { limit, cursor: page === undefined ? null : decodeCursor(page, isProjectPosition) };
			const text = (project: Project) => JSON.stringify(presentProject(project));
			return textListReply(deps.engine.projects.search(openedBy(principal), q, request), request, {
				id: projectPosition,
				text,
			});
		},
	}),
	route({
		id: "createProject",
		tag: "Projects",
		method: "post",
		path: "/workspace/projects",
		audit: "project.create",
		access: workspaceKeyWith("admin"),
		summary: "Create a project",
		description: "Several projects can have the same name. Ids are unique.",
		body: nameBody,
		answers: { 200: { description: "The new project.", schema: projectSchema } },
		errors: { 409: "The workspace has as many projects as it may have (`too_many_projects`)." },
		handle: async ({ deps, change, body }) =>
			json(presentProject(await deps.engine.projects.create(body.name, change.audit))),
	}),
	route({
		id: "getProject",
		tag: "Projects",
		method: "get",
		path: "/projects/{projectId}",
		access: keyWith("read"),
		summary: "Get a project",
		description: "Returns one project.",
		answers: { 200: { description: "The project.", schema: projectSchema } },
		handle: ({ deps, scope }) => json(presentProject(deps.engine.projects.get(scope))),
	}),
	route({
		id: "getProjectUsage",
		tag: "Projects",
		method: "get",
		path: "/projects/{projectId}/usage",
		access: keyWith("read"),
		summary: "Get a project's usage",
		description: "Returns what the project has stored, and the quotas that apply to its sends and changes.",
		answers: { 200: { description: "The usage.", schema: projectUsageSchema } },
		handle: async ({ deps, scope }) => json(presentUsage(await deps.engine.projects.usage(scope))),
	}),
	route({
		id: "updateProject",
		tag: "Projects",
		method: "patch",
		path: "/projects/{projectId}",
		audit: "project.update",
		unsetFields: ["revision"],
		access: workspaceKeyWith("admin"),
		summary: "Update a project",
		description: "Changes the fields in the body and no others.",
		body: jsonBody(updateProjectSchema, { name: "My project", eventTypes: "catalogued" }),
		answers: { 200: { description: "The project as it is now.", schema: projectSchema } },
		errors: { 409: "The project no longer has the given `revision` (`revision_conflict`)." },
		async handle({ deps, change, body }) {
			const stored = () => deps.engine.projects.get(change.scope);
			await checkNewValues(newInProjectSchema, body, stored, (_, { name }) => name === body.name);
			return json(presentProject(await deps.engine.projects.update(change, projectChanges(body))));
		},
	}),
	route({
		id: "deleteProject",
		tag: "Projects",
		method: "delete",
		path: "/projects/{projectId}",
		audit: "project.delete",
		access: workspaceKeyWith("admin"),
		summary: "Delete a project",
		description:
			"Deletes the project with its webhooks and keys, and cancels all Pending and Held deliveries. This cannot be undone.",
		answers: { 200: { description: "The project is deleted.", schema: deletedSchema } },
		async handle({ deps, change, params }) {
			await deps.engine.projects.delete(change);
			return json({ id: params.projectId, deleted: true });
		},
	}),
];

/** The only project that a key opens; null if it opens all. No token of a customer gets here. */
function openedBy(principal: Principal | null): string | null {
	return principal?.kind === "key" ? principal.key.projectId : null;
}
