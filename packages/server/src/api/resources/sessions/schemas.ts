// Sessions of the page and sign-in links on the wire.
import { z } from "@hono/zod-openapi";

import { shortText } from "../common/bounded.ts";
import { timeOut } from "../common/schemas.ts";

/** Longer than any key or token. */
const CREDENTIAL_MAX_LENGTH = 256;
const credential = shortText(CREDENTIAL_MAX_LENGTH)
	.refine((value) => value !== "", "must not be empty")
	.openapi({ minLength: 1 });

export const createSessionSchema = z
	.strictObject({
		key: credential.optional().openapi({ description: "A secret key, `sk_…`. Either this or `link`." }),
		link: credential.optional().openapi({
			description: "What follows `#link=` in the address of a sign-in link, `sl_…`. Either this or `key`.",
		}),
	})
	.superRefine(({ key, link }, context) => {
		if (key !== undefined && link !== undefined) {
			context.addIssue({ code: "custom", path: ["link"], message: "must not be sent together with key" });
		} else if (key === undefined && link === undefined) {
			context.addIssue({ code: "custom", path: ["key"], message: "is required, unless link is sent" });
		}
	})
	.openapi("CreateSession");

export const sessionSchema = z
	.object({
		id: z.string(),
		object: z.literal("session"),
		keyId: z.string().openapi({ description: "The key that the session acts with." }),
		createDate: timeOut,
		expireDate: timeOut.openapi({
			description:
				"When the session ends at the latest, in milliseconds since the epoch. It ends earlier with its key, and when somebody signs out.",
		}),
	})
	.openapi("Session", {
		example: {
			id: "session_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			object: "session",
			keyId: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			createDate: 1_723_633_671_620,
			expireDate: 1_723_676_871_620,
		},
	});

export const deleteSessionsQuery = z.strictObject({
	everywhere: z.enum(["true", "false"]).optional().openapi({
		description:
			"`true` ends all sessions of the key, on all devices and of all people who use it. Defaults to `false`.",
	}),
});

export const sessionsEndedSchema = z
	.object({
		object: z.literal("sessionsEnded"),
		ended: z.int().openapi({ description: "The number of sessions that have ended." }),
	})
	.openapi("SessionsEnded", { example: { object: "sessionsEnded", ended: 1 } });

export const signInLinkSchema = z
	.object({
		id: z.string(),
		object: z.literal("signInLink"),
		keyId: z.string().openapi({ description: "The key that whoever uses the link acts with." }),
		url: z.string().openapi({
			description: "The address to open in a browser. It is never returned again, and whoever has it can sign in.",
		}),
		createDate: timeOut,
		expireDate: timeOut.openapi({
			description: "Until when the link can be used, once, in milliseconds since the epoch.",
		}),
	})
	.openapi("SignInLink", {
		example: {
			id: "link_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			object: "signInLink",
			keyId: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			url: "https://fanfare.example.com/ui/#link=sl_…",
			createDate: 1_723_633_671_620,
			expireDate: 1_723_634_271_620,
		},
	});
