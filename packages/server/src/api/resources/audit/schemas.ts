// The audit log on the wire.
import { z } from "@hono/zod-openapi";

import { timeOut } from "../common/schemas.ts";

export const auditEntrySchema = z
	.object({
		id: z.string(),
		object: z.literal("auditEntry"),
		createDate: timeOut,
		keyId: z
			.string()
			.nullable()
			.openapi({ description: "The key that made the call. Null if a customer or the server itself made the change." }),
		sessionId: z.string().optional().openapi({
			description: "The session of the page in which the key was used. Present only if it was used in one.",
		}),
		customerId: z
			.string()
			.optional()
			.openapi({ description: "The customer whose token made the call. Present only if a customer did." }),
		portalSessionId: z
			.string()
			.optional()
			.openapi({ description: "The portal session whose token made the call. Present only if a customer did." }),
		actor: z
			.string()
			.nullable()
			.openapi({
				description:
					"The `Fanfare-Actor` of the call, as its caller has sent it, whom a trusted proxy has named, or the `actor` of the portal " +
					"session. Null if there was none.",
			}),
		projectId: z
			.string()
			.nullable()
			.openapi({ description: "The project of the object; null if it belongs to the workspace." }),
		action: z.string().openapi({ description: "What was done.", example: "webhook.update" }),
		objectId: z.string().openapi({ description: "The object that was created, changed or deleted." }),
		fields: z.array(z.string()).openapi({ description: "The names of the fields that were set, never their values." }),
		requestId: z
			.string()
			.nullable()
			.openapi({ description: "The id of the request in the server's log; null if there was no request." }),
		keyName: z.string().nullable().openapi({
			description:
				"What the key is called now, or was called when it was revoked. Null if there is no key, or if an older version has revoked it.",
		}),
		objectName: z
			.string()
			.nullable()
			.openapi({
				description:
					"What the object is called now, if it is a webhook, a key or a project, and belongs to the entry's project (without a " +
					"project: to the workspace). A deleted webhook has the name that it had, unless that was erased with its customer, and so has a revoked key. " +
					"Null for other objects, and for those of which nothing is kept any more.",
			}),
	})
	.openapi("AuditEntry", {
		example: {
			id: "aud_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			object: "auditEntry",
			createDate: 1_723_633_671_620,
			keyId: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			actor: "ada@example.com",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			action: "webhook.update",
			objectId: "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			fields: ["name", "spec.endpoint"],
			requestId: "req_6f1d2c0f4b8e4a3f9a7b1c2d3e4f5a6b",
			keyName: "Ada's laptop",
			objectName: "billing",
		},
	});
