// The workspace: one call, which is also a cheap way to check a key.
import { json, keyWith, route } from "../../request/route.ts";
import { presentWorkspace } from "./present.ts";
import { workspaceSchema } from "./schemas.ts";

export const workspaceRoutes = [
	route({
		id: "getWorkspace",
		tag: "Workspace",
		method: "get",
		path: "/workspace",
		access: keyWith("read"),
		summary: "Get the workspace",
		description: "Any key may make this call, also a key of one project. It is a cheap way to check a key.",
		answers: { 200: { description: "The workspace.", schema: workspaceSchema } },
		handle: ({ deps }) => json(presentWorkspace(deps.engine.workspace)),
	}),
];
