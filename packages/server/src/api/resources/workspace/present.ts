// The workspace as responses show it.
import type { z } from "@hono/zod-openapi";

import type { Workspace } from "../../../core/workspace.ts";
import type { workspaceSchema } from "./schemas.ts";

export function presentWorkspace(workspace: Workspace): z.infer<typeof workspaceSchema> {
	const { id, name, owner, tier, createDate } = workspace;
	return { id, object: "workspace", name, owner, tier, createDate };
}
