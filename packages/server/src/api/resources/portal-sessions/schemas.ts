// Portal sessions on the wire.
import { z } from "@hono/zod-openapi";

import { ACTOR_MAX_LENGTH, isActor } from "../../../core/access/audit.ts";
import {
	canonicalLocale,
	canonicalReturnUrl,
	LOCALE_MAX_LENGTH,
	PORTAL_SESSION_MS,
	RETURN_URL_MAX_LENGTH,
} from "../../../core/access/portal-session.ts";
import {
	COLOR_PATTERN,
	COLOR_SCHEMES,
	FONT_MAX_LENGTH,
	FONT_PATTERN,
	RADIUS_PX,
} from "../../../core/access/portal-theme.ts";
import { CAPABILITIES } from "../../../core/access/principal.ts";
import { hasSecret } from "../../../core/words/secret-words.ts";
import { list, shortText } from "../common/bounded.ts";
import { addDuplicateIssues, customerIdText, idText, integer, pageQuery, timeOut } from "../common/schemas.ts";

const COLOR_LENGTH = 7;

const colorText = shortText(COLOR_LENGTH)
	.regex(COLOR_PATTERN, "must be a colour of the form #rgb or #rrggbb")
	.openapi({ example: "#0b7285" });
const color = colorText.nullish();

const fontText = shortText(FONT_MAX_LENGTH)
	.regex(FONT_PATTERN, "must be the name of one font family: letters, digits, hyphens and single spaces")
	.openapi({ example: "Inter" });

const themeSchema = z
	.strictObject({
		accent: color.openapi({ description: "The colour of buttons and links." }),
		background: color.openapi({ description: "The colour behind everything." }),
		radius: integer(RADIUS_PX.min, RADIUS_PX.max)
			.nullish()
			.openapi({ description: "The rounding of corners, in pixels." }),
		font: fontText.nullish().openapi({ description: "One font family that the customer's device has." }),
		scheme: z
			.enum(COLOR_SCHEMES)
			.nullish()
			.openapi({ description: "Light or dark colours; `auto` follows the customer's device." }),
	})
	.openapi({ description: "The look of the portal. What is omitted or null is the portal's own." });

const returnUrl = shortText(RETURN_URL_MAX_LENGTH)
	.refine((url) => canonicalReturnUrl(url) !== null, {
		error: "must be an absolute http or https URL without user name and password, such as https://example.com/account",
		abort: true,
	})
	.openapi({ format: "uri", description: "Where the portal leads back to.", example: "https://example.com/account" });

const localeText = shortText(LOCALE_MAX_LENGTH)
	.refine((tag) => canonicalLocale(tag) !== null, {
		error: "must be a language tag of BCP 47, such as de or pt-BR",
		abort: true,
	})
	.openapi({ description: "The language of the portal, by BCP 47.", example: "de" });

const actor = shortText(ACTOR_MAX_LENGTH)
	.refine((text) => isActor(text) && !hasSecret(text), {
		error: `must be 1–${ACTOR_MAX_LENGTH} visible ASCII characters without a space, such as ada@example.com, and no key or secret`,
		abort: true,
	})
	.openapi({
		description:
			"Who uses the session, in your own terms: recorded in the audit log with each change that is made with its token.",
		example: "ada@example.com",
	});

export const createPortalSessionSchema = z
	.strictObject({
		customerId: customerIdText.openapi({ description: "The customer, who need not have a webhook yet." }),
		capabilities: list(z.enum(CAPABILITIES), { min: 0, max: CAPABILITIES.length })
			.superRefine(addDuplicateIssues)
			.nullish()
			.openapi({ description: "What the session may do beside reading. Defaults to nothing." }),
		expiresInMs: integer(PORTAL_SESSION_MS.min, PORTAL_SESSION_MS.max)
			.nullish()
			.openapi({ description: `How long the session is valid. Defaults to ${PORTAL_SESSION_MS.byDefault} (an hour).` }),
		returnUrl: returnUrl.nullish(),
		theme: themeSchema.nullish(),
		locale: localeText.nullish(),
		actor: actor.nullish(),
	})
	.openapi("CreatePortalSession");

export const shownThemeSchema = z
	.object({
		accent: z.string().nullable().openapi({ description: "The colour of buttons and links." }),
		background: z.string().nullable().openapi({ description: "The colour behind everything." }),
		radius: z.int().nullable().openapi({ description: "The rounding of corners, in pixels." }),
		font: z.string().nullable().openapi({ description: "The font family." }),
		scheme: z.enum(COLOR_SCHEMES).nullable().openapi({ description: "Light or dark colours." }),
	})
	.openapi({ description: "Null for each value that is the portal's own." });

const SESSION = {
	id: "portal_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	object: "portalSession",
	projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
	customerId: "acme",
	keyId: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	capabilities: ["webhooks.write"],
	actor: "ada@example.com",
	returnUrl: "https://example.com/account",
	theme: { accent: "#0b7285", background: null, radius: 4, font: "Inter", scheme: "auto" },
	locale: "de",
	createDate: 1_723_633_671_620,
	expireDate: 1_723_637_271_620,
};

export const portalSessionSchema = z
	.object({
		id: z.string(),
		object: z.literal("portalSession"),
		projectId: z.string(),
		customerId: z.string().openapi({ description: "The customer whose session it is." }),
		keyId: z.string().nullable().openapi({
			description: "The key that made it. The session does not end with this key.",
		}),
		capabilities: z.array(z.enum(CAPABILITIES)).openapi({ description: "What it may do beside reading." }),
		actor: z
			.string()
			.nullable()
			.openapi({ description: "Who uses the session, in your own terms; null if you have not said so." }),
		returnUrl: z.string().nullable().openapi({ description: "Where the portal leads back to; null for nowhere." }),
		theme: shownThemeSchema.nullable(),
		locale: z
			.string()
			.nullable()
			.openapi({ description: "The language of the portal, by BCP 47; null for the browser's." }),
		createDate: timeOut,
		expireDate: timeOut.openapi({ description: "The session ends at this time, unless it is revoked earlier." }),
	})
	.openapi("PortalSession", { example: SESSION });

export const newPortalSessionSchema = portalSessionSchema
	.extend({
		token: z.string().openapi({ description: "The token of the session. It is never returned again." }),
		url: z.string().openapi({
			description:
				"The portal, with the token in its fragment, which browsers do not send to servers: lead the customer there.",
		}),
	})
	.openapi("NewPortalSession", {
		example: { ...SESSION, token: "pst_3kP0…9a77", url: "https://fanfare.example.com/portal#token=pst_3kP0…9a77" },
	});

export const portalSessionsRevokedSchema = z
	.object({
		object: z.literal("portalSessionsRevoked"),
		count: z.int().openapi({ description: "Sessions that were valid until now." }),
	})
	.openapi("PortalSessionsRevoked", { example: { object: "portalSessionsRevoked", count: 3 } });

export const portalSessionQuerySchema = z.strictObject({
	...pageQuery,
	customerId: customerIdText.optional().openapi({ description: "Only those of this customer." }),
});

export const revokePortalSessionsQuerySchema = z
	.strictObject({
		customerId: customerIdText.optional().openapi({ description: "Only sessions of this customer." }),
		keyId: idText("key").optional().openapi({ description: "Only sessions that this key has made." }),
	})
	.superRefine(({ customerId, keyId }, context) => {
		if (customerId !== undefined || keyId !== undefined) return;
		context.addIssue({ code: "custom", path: ["customerId"], message: "is required, unless there is a keyId" });
	});
