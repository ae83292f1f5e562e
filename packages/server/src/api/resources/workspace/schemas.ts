// The workspace on the wire.
import { z } from "@hono/zod-openapi";

import { timeOut } from "../common/schemas.ts";

export const workspaceSchema = z
	.object({
		id: z.string(),
		object: z.literal("workspace"),
		name: z.string(),
		owner: z.string(),
		tier: z.string(),
		createDate: timeOut,
	})
	.openapi("Workspace");
