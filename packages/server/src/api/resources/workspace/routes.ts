// The workspace and the list of its projects, as the Nexus SDK reads them.
import { z } from "@hono/zod-openapi";

import { json, keyWith, route } from "../../request/route.ts";
import { presentProject, presentWorkspace } from "../common/present.ts";
import { projectSchema, workspaceSchema } from "./schemas.ts";

export const workspaceRoutes = [
	route({
		id: "getWorkspace",
		tag: "Workspace",
		method: "get",
		path: "/workspace",
		access: keyWith("read"),
		summary: "Get the workspace",
		description: "Any key may ask, also one of a single project: a cheap way to check a key.",
		answers: { 200: { description: "The workspace.", schema: workspaceSchema } },
		handle: ({ deps }) => json(presentWorkspace(deps.engine.workspace)),
	}),
	route({
		id: "listProjects",
		tag: "Workspace",
		method: "get",
		path: "/workspace/projects",
		access: keyWith("read"),
		summary: "List projects",
		description: "Oldest first, as a bare array. A key of one project gets only that one.",
		answers: { 200: { description: "All projects that the key opens.", schema: z.array(projectSchema) } },
		handle({ deps, key }) {
			const opened = key?.projectId ?? null;
			const projects = deps.engine.projects.list().filter(({ id }) => opened === null || id === opened);
			return json(projects.map(presentProject));
		},
	}),
];
