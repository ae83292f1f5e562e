// Test data for the contract of portal sessions.
import { systemChance } from "../../../../adapters/system/system-chance.ts";
import { keyDigest } from "../../../../core/access/key.ts";
import { generatePortalToken, type PortalSession } from "../../../../core/access/portal-session.ts";
import type { Records } from "./records.ts";

/** A session with a value in each field, which is valid for an hour. */
export function portalSession(
	{ ids, now }: Records,
	projectId: string,
	changes: Partial<PortalSession> = {},
): PortalSession {
	return {
		id: ids.make("portal", now),
		projectId,
		customerId: "acme",
		keyId: ids.make("key", now),
		capabilities: ["webhooks.write", "payloads.read"],
		actor: "bo@acme.example",
		returnUrl: "https://example.com/ünïcode?a=“b”",
		theme: { accent: "#0b7285", background: null, radius: 4, font: "Inter", scheme: "auto" },
		locale: "pt-BR",
		digest: new Uint8Array(keyDigest(generatePortalToken(systemChance))),
		createDate: now,
		expireDate: now + 3_600_000,
		...changes,
	};
}
