// API keys on the wire.
import { z } from "@hono/zod-openapi";

import { SCOPES } from "../../../core/access/key.ts";
import { NAME_MAX_LENGTH } from "../../../core/webhook.ts";
import { nameText, timeOut } from "../common/schemas.ts";

export const createKeySchema = z
	.strictObject({
		name: nameText(NAME_MAX_LENGTH).openapi({ example: "billing service" }),
		scope: z.enum(SCOPES).openapi({
			description:
				"`read` can read; `write` can also send events and manage webhooks; `admin` can also manage projects and keys.",
		}),
		projectId: z
			.string()
			.nullish()
			.openapi({ description: "The only project that the key opens. Defaults to the whole workspace." }),
	})
	.openapi("CreateKey");

export const keySchema = z
	.object({
		id: z.string(),
		object: z.literal("key"),
		name: z.string(),
		scope: z.enum(SCOPES),
		projectId: z.string().nullable(),
		hint: z.string().openapi({ description: "The last four characters of the key." }),
		createDate: timeOut,
	})
	.openapi("Key");

export const newKeySchema = keySchema
	.extend({ secretKey: z.string().openapi({ description: "The key itself. It is never returned again." }) })
	.openapi("NewKey");
