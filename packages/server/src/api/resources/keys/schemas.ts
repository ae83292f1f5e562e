// API keys on the wire.
import { z } from "@hono/zod-openapi";

import { DEFAULT_KEY_OVERLAP_MS, MAX_KEY_OVERLAP_MS, SCOPES } from "../../../core/access/key.ts";
import { CAPABILITIES } from "../../../core/access/principal.ts";
import { NAME_MAX_LENGTH } from "../../../core/webhook.ts";
import type { TextRules } from "../common/characters.ts";
import { integer, nameText, timeMs, timeOut } from "../common/schemas.ts";
import { shownThemeSchema } from "../portal-sessions/schemas.ts";

const nameOf = (rules: TextRules) => nameText(NAME_MAX_LENGTH, rules).openapi({ example: "billing service" });

export const createKeySchema = z
	.strictObject({
		name: nameOf({}),
		scope: z.enum(SCOPES).openapi({
			description:
				"`read` can read; `write` can also send events and manage webhooks; `admin` can also manage projects and keys.",
		}),
		projectId: z
			.string()
			.nullish()
			.openapi({ description: "The only project that the key opens. Defaults to the whole workspace." }),
		expireDate: timeMs.nullish().openapi({
			description:
				"When the key stops working, in milliseconds since the epoch; not in the past. If omitted, it never expires. It can't be " +
				"changed later.",
		}),
	})
	.openapi("CreateKey");

const KEY = {
	id: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	object: "key",
	name: "billing service",
	scope: "write",
	projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
	hint: "9a77",
	createDate: 1_723_633_671_620,
	expireDate: null,
	lastUsedDate: 1_723_736_880_000,
	secretOverlapUntil: null,
};

export const updateKeySchema = z.strictObject({ name: nameOf({ stored: true }).optional() }).openapi("UpdateKey");
/** What is new in a key. One that is there already may keep another name. */
export const newInKeySchema = z.object({ name: nameOf({}).optional() });

export const rollKeySchema = z
	.strictObject({
		overlapMs: integer(0, MAX_KEY_OVERLAP_MS)
			.nullish()
			.openapi({
				description:
					"How long the earlier secret keys are accepted beside the new one, so that programs can switch to it. 0 ends them " +
					`at once. Defaults to ${DEFAULT_KEY_OVERLAP_MS} (a day).`,
			}),
	})
	.openapi("RollKey");

export const keySchema = z
	.object({
		id: z.string(),
		object: z.literal("key"),
		name: z.string(),
		scope: z.enum(SCOPES).openapi({ description: "What the key allows." }),
		projectId: z
			.string()
			.nullable()
			.openapi({ description: "The only project that the key opens; null for the whole workspace." }),
		hint: z.string().openapi({ description: "The last four characters of the key." }),
		createDate: timeOut,
		expireDate: timeOut.nullable().openapi({
			description: "When the key stops working, in milliseconds since the epoch; null if it never expires.",
		}),
		lastUsedDate: timeOut.nullable().openapi({
			description:
				"When the key was used last, in milliseconds since the epoch, to the minute; null if it never was. A crash of the server " +
				"can lose the last minute.",
		}),
		secretOverlapUntil: timeOut.nullable().openapi({
			description:
				"Until when an earlier secret key is accepted beside the newest one, in milliseconds since the epoch; null if none is.",
		}),
	})
	.openapi("Key", { example: KEY });

export const newKeySchema = keySchema
	.extend({ secretKey: z.string().openapi({ description: "The key itself. It is never returned again." }) })
	.openapi("NewKey", { example: { ...KEY, secretKey: "sk_3kP0…9a77" } });

const callerSessionSchema = z.object({
	id: z.string(),
	customerName: z.string().nullable().openapi({ description: "The name that is kept for the customer." }),
	actor: z.string().nullable().openapi({ description: "Who uses the session; null if it is not said." }),
	returnUrl: z.string().nullable().openapi({ description: "Where the portal leads back to; null for nowhere." }),
	theme: shownThemeSchema.nullable(),
	locale: z.string().nullable().openapi({ description: "The language of the portal, by BCP 47." }),
});

export const callerSchema = z
	.object({
		object: z.literal("caller"),
		kind: z.enum(["key", "session", "customer"]).openapi({
			description: "What the call was made with: an API key, a session of the page, or a customer's token.",
		}),
		id: z.string().nullable().openapi({ description: "The id of the key, also in a session; null for a customer." }),
		name: z.string().nullable().openapi({ description: "The name of the key; null for a customer." }),
		scope: z.enum(SCOPES).nullable().openapi({ description: "What the key allows; null for a customer." }),
		projectId: z
			.string()
			.nullable()
			.openapi({ description: "The only project that the caller can use; null for the whole workspace." }),
		customerId: z
			.string()
			.nullable()
			.openapi({ description: "The only customer whose data the caller can use; null for a key." }),
		capabilities: z
			.array(z.enum(CAPABILITIES))
			.nullable()
			.openapi({ description: "What a customer's token allows beside reading; null for a key." }),
		sessionId: z
			.string()
			.nullable()
			.openapi({ description: "The session of the page that the call was made in; null for any other call." }),
		portalSession: callerSessionSchema
			.nullable()
			.openapi({ description: "What the portal needs to know of its session; null for a key." }),
		expireDate: timeOut.nullable().openapi({
			description:
				"When what the call was made with stops working, in milliseconds since the epoch; null if it has no end. For the earlier " +
				"secret key of a key that was rolled, that is the end of the overlap.",
		}),
	})
	.openapi("Caller", {
		example: {
			object: "caller",
			kind: "key",
			id: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			name: "billing service",
			scope: "write",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			customerId: null,
			capabilities: null,
			sessionId: null,
			portalSession: null,
			expireDate: null,
		},
	});
