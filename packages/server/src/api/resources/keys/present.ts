// Keys as responses show them: without the key itself, of which the server has only a digest.
import type { z } from "@hono/zod-openapi";

import type { ApiKey } from "../../../core/access/key.ts";
import type { keySchema } from "./schemas.ts";

export function presentKey(key: ApiKey): z.infer<typeof keySchema> {
	const { id, name, scope, projectId, hint, createDate } = key;
	return { id, object: "key", name, scope, projectId, hint, createDate };
}
