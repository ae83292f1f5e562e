// The audit log on the wire.
import { z } from "@hono/zod-openapi";

import { isProjectId } from "../../../core/ids.ts";
import { idText, pageQuery, timeOut, timeRangeQuery } from "../common/schemas.ts";

const OBJECT_ID_MAX_LENGTH = 256;

export const auditEntrySchema = z
	.object({
		id: z.string(),
		object: z.literal("auditEntry"),
		createDate: timeOut,
		keyId: z
			.string()
			.nullable()
			.openapi({ description: "The key that made the call. Null if the server itself made the change." }),
		projectId: z.string().nullable(),
		action: z.string().openapi({ example: "webhook.update" }),
		objectId: z.string().openapi({ description: "The object that was created, changed or deleted." }),
		fields: z.array(z.string()).openapi({ description: "The names of the fields that were set, never their values." }),
		requestId: z.string().nullable(),
	})
	.openapi("AuditEntry", {
		example: {
			id: "aud_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			object: "auditEntry",
			createDate: 1_723_633_671_620,
			keyId: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			action: "webhook.update",
			objectId: "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			fields: ["name", "spec.endpoint"],
			requestId: "req_6f1d2c0f4b8e4a3f9a7b1c2d3e4f5a6b",
		},
	});

export const auditQuerySchema = z.strictObject({
	...pageQuery,
	keyId: idText("key").optional().openapi({ description: "Only changes that were made with this key." }),
	projectId: z
		.string()
		.refine(isProjectId, "must be an id such as proj_ca5fe71e7592bbcf7705ea36e4f29ed4")
		.optional()
		.openapi({ description: "Only changes in this project. The project may be deleted by now." }),
	objectId: z
		.string()
		.max(OBJECT_ID_MAX_LENGTH)
		.optional()
		.openapi({ description: "Only changes of this object: a webhook, key, event, …" }),
	action: z.string().max(64).optional().openapi({ description: "Only this action, such as `webhook.update`." }),
	...timeRangeQuery,
});
