// API keys on the wire.
import { z } from "@hono/zod-openapi";

import { SCOPES } from "../../../core/crypto/key.ts";
import { NAME_MAX_LENGTH } from "../../../core/webhook.ts";
import { nameText, timeOut } from "../common/schemas.ts";

export const createKeySchema = z
	.strictObject({
		name: nameText(NAME_MAX_LENGTH).openapi({ example: "billing service" }),
		scope: z.enum(SCOPES).openapi({
			description:
				"`read` reads; `write` also sends events and manages webhooks; `admin` also manages projects and keys.",
		}),
		projectId: z
			.string()
			.nullish()
			.openapi({ description: "The one project that the key opens. Left out or null: all of the workspace." }),
	})
	.openapi("CreateKey");

export const keySchema = z
	.object({
		id: z.string(),
		object: z.literal("key"),
		name: z.string(),
		scope: z.enum(SCOPES),
		projectId: z.string().nullable(),
		hint: z.string().openapi({ description: "The last four characters." }),
		createDate: timeOut,
	})
	.openapi("Key");

export const newKeySchema = keySchema
	.extend({ secretKey: z.string().openapi({ description: "The key itself. It is shown here and never again." }) })
	.openapi("NewKey");
