// The workspace, its projects and its keys on the wire.
import { z } from "@hono/zod-openapi";

import { SCOPES } from "../../core/key.ts";
import { NAME_MAX_LENGTH } from "../../core/webhook.ts";
import { nameText, timeOut } from "./common.ts";

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

export const projectSchema = z
	.object({
		id: z.string(),
		object: z.literal("project"),
		name: z.string(),
		workspaceId: z.string(),
		type: z.literal("webhooks"),
		createDate: timeOut,
		localization: z.literal("local"),
		tags: z.array(z.string()),
		groups: z.array(z.string()),
	})
	.openapi("Project");

export const projectNameSchema = z
	.strictObject({ name: nameText(NAME_MAX_LENGTH).openapi({ example: "My project" }) })
	.openapi("ProjectName");

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
