// The sign-in link that a start makes for the person in front of the terminal.
import type { AuditAction, AuditDraft } from "../core/access/audit.ts";
import { isExpired, type ApiKey } from "../core/access/key.ts";
import { signInUrl } from "../core/access/session.ts";
import { PAGE_LIMIT, type Cursor } from "../core/page.ts";
import type { Engine } from "../engine/calls.ts";

/** Browsers don't open the addresses that mean every address of the machine. */
const EVERY_ADDRESS = new Set(["0.0.0.0", "[::]"]);

const AUDIT: AuditDraft = {
	keyId: null,
	sessionId: null,
	customerId: null,
	portalSessionId: null,
	actor: null,
	action: "sign_in_link.create" satisfies AuditAction,
	fields: [],
	requestId: null,
};

/**
 * Makes a link that signs somebody in to the page once, within 10 minutes, with the oldest key that administers the workspace. Returns
 * its address; null if there is no such key. `base` is the server's address, without a slash at the end.
 */
export async function makeSignInLink(
	{ keys, sessions }: Pick<Engine, "keys" | "sessions">,
	base: string,
	now: number,
): Promise<string | null> {
	const key = oldestAdmin(keys, now);
	if (key === null) return null;
	const { token } = await sessions.createLinkOf(key.id, AUDIT);
	return signInUrl(openable(base), token);
}

/** One that does not expire comes before one that does. */
function oldestAdmin(keys: Engine["keys"], now: number): ApiKey | null {
	let oldest: ApiKey | null = null;
	let expiring: ApiKey | null = null;
	let cursor: Cursor | null = null;
	// Newest first, so the last one is the oldest.
	for (;;) {
		const { rows, hasOlder } = keys.list({ limit: PAGE_LIMIT.max, cursor });
		for (const key of rows) {
			if (key.scope !== "admin" || key.projectId !== null || isExpired(key, now)) continue;
			if (key.expireDate === null) oldest = key;
			else expiring = key;
		}
		const last = rows.at(-1);
		if (!hasOlder || last === undefined) return oldest ?? expiring;
		cursor = { direction: "older", id: last.id };
	}
}

function openable(base: string): string {
	const url = new URL(base);
	if (EVERY_ADDRESS.has(url.hostname)) url.hostname = "localhost";
	return url.href.replace(/\/$/, "");
}
