// Sessions of the page: begun with a key or a sign-in link, authenticated and ended here.
import type { AuditDraft } from "../../core/access/audit.ts";
import { keyDigest, secretEndDate } from "../../core/access/key.ts";
import { accessEndDate, type KeyPrincipal } from "../../core/access/principal.ts";
import {
	generateLinkToken,
	generateSessionToken,
	isLinkToken,
	isSessionToken,
	SESSION_MS,
	SIGN_IN_LINK_MS,
	type Session,
	type SignInLink,
} from "../../core/access/session.ts";
import { SerialByKey } from "../../core/concurrency/serial-by-key.ts";
import { FanfareError } from "../../core/errors.ts";
import type { SessionStore } from "../../ports/store/access/sessions.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { SessionChanges } from "../../ports/wire.ts";
import type { KeyUses } from "../background/key-uses.ts";
import { nextTurn } from "../background/next-turn.ts";
import { Periodic } from "../background/periodic.ts";
import type { Directory } from "../directory/directory.ts";
import type { Keys, NewSession, NewSignInLink, Sessions, SignInProof, SignInWith } from "../key-calls.ts";
import { auditEntry } from "../managing/changes/audit-entries.ts";
import type { PartsOn } from "../parts.ts";
import { EndedIds } from "./ended-ids.ts";
import { TokenTable } from "./token-table.ts";

type Parts = Pick<PartsOn<SessionStore>, "store" | "clock" | "chance" | "ids" | "changeRates" | "observer" | "wire">;

interface Neighbours {
	readonly directory: Pick<Directory, "key">;
	readonly keys: Pick<Keys, "authenticate">;
	readonly uses: Pick<KeyUses, "note">;
	/** Told of the sessions that were ended before their time: what was opened in them ends, too. */
	readonly ended: (ids: ReadonlySet<string>) => void;
}

/** What one key can have at once. */
export interface SessionLimits {
	readonly maxSessionsPerKey: number;
	readonly maxSignInLinksPerKey: number;
}

const DEFAULT_LIMITS: SessionLimits = { maxSessionsPerKey: 1_000, maxSignInLinksPerKey: 100 };
/** Rows in one call of the store. */
const PAGE = 1_000;
const FORGET_EVERY_MS = 60_000;
/** Sessions looked at in one turn of the event loop. */
const LOOKED_AT_ONCE = 5_000;

/**
 * The sessions and sign-in links of all keys. All that are valid are in memory: a request with a known token costs one hash and no read
 * of the store. Those of other processes come by the wire: the end of a session is answered when every process knows it, and a token
 * that nobody knows here may be so new that `catchUp` brings it.
 */
export class SessionCalls implements Sessions {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #limits: SessionLimits;
	readonly #sessions = new TokenTable<Session>();
	readonly #links = new TokenTable<SignInLink>();
	/** By key, so that the limits hold, and no session begins behind the end of all of a key's. */
	readonly #changes = new SerialByKey();
	readonly #endedIds = new EndedIds();
	readonly #forgetting: Periodic;

	constructor(parts: Parts, near: Neighbours, limits: Partial<SessionLimits> = {}) {
		this.#parts = parts;
		this.#near = near;
		this.#limits = { ...DEFAULT_LIMITS, ...limits };
		this.#forgetting = new Periodic(parts, {
			everyMs: FORGET_EVERY_MS,
			work: () => this.#forgetExpired(),
			problem: "expired sessions could not be forgotten",
		});
	}

	/** Reads everything from the store, at the start. */
	async load(): Promise<void> {
		const { store } = this.#parts;
		using meanwhile = this.#endedIds.watch();
		for await (const page of pages((after) => store.sessions(after, PAGE))) {
			for (const session of page) if (!meanwhile.ids.has(session.id)) this.#sessions.add(session);
		}
		for await (const page of pages((after) => store.signInLinks(after, PAGE))) {
			for (const link of page) if (!meanwhile.ids.has(link.id)) this.#links.add(link);
		}
		await this.#forgetExpired();
	}

	start(): void {
		this.#forgetting.start();
	}

	/** Resolves when the step under way is done. */
	stop(): Promise<void> {
		return this.#forgetting.stop();
	}

	/** Sessions and links have begun and ended, in this process and in others. */
	changed({ sessions, links, ended }: Pick<SessionChanges, "sessions" | "links" | "ended">): void {
		for (const session of sessions) this.#sessions.add(session);
		for (const link of links) this.#links.add(link);
		this.#endedIds.note(ended);
		this.#links.remove(ended);
		const gone = new Set(ended.filter((id) => this.#sessions.has(id)));
		this.#sessions.remove(gone);
		if (gone.size > 0) this.#near.ended(gone);
	}

	catchUp(): Promise<void> {
		return this.#parts.wire.catchUp();
	}

	authenticate(token: string): KeyPrincipal | null {
		if (!isSessionToken(token)) return null;
		const { clock } = this.#parts;
		const session = this.#sessions.find(token, clock.now());
		const principal = session === null ? null : this.#principalOf(session);
		if (principal === null) return null;
		this.#near.uses.note(principal.key.id);
		return principal;
	}

	prove(credentials: SignInWith): SignInProof {
		if ("key" in credentials) {
			const principal = this.#near.keys.authenticate(credentials.key);
			if (principal === null) throw unknownKey();
			return { principal, link: null };
		}
		const link = this.#findLink(credentials.link);
		const principal = link === null ? null : this.#principalWith(link.keyId, link.secretDigest);
		if (link === null || principal === null) throw unknownLink();
		this.#near.uses.note(principal.key.id);
		return { principal, link };
	}

	signIn({ principal, link }: SignInProof, audit: AuditDraft | null): Promise<NewSession> {
		const { chance, clock, ids, store } = this.#parts;
		const { digest: secretDigest } = principal;
		const { id: keyId, projectId } = principal.key;
		return this.#changes.run(keyId, async () => {
			await this.catchUp();
			if (link !== null && !this.#links.has(link.id)) throw unknownLink();
			const now = clock.now();
			// The key may have been deleted or rolled meanwhile.
			const end = endOf(this.#principalWith(keyId, secretDigest));
			if (end <= now) throw link === null ? unknownKey() : unknownLink();
			const token = generateSessionToken(chance);
			const expireDate = Math.min(now + SESSION_MS, end, link?.sessionExpireDate ?? Infinity);
			const id = ids.make("session", now);
			const session = { id, keyId, secretDigest, digest: keyDigest(token), createDate: now, expireDate };
			const replaces = excess(this.#sessions.ofKey(keyId, now), this.#limits.maxSessionsPerKey);
			const draft = audit === null ? null : { ...audit, keyId };
			const entry = auditEntry(this.#parts, draft, { objectId: id, projectId });
			const options = { replaces, linkId: link?.id ?? null, entry };
			using meanwhile = this.#endedIds.watch();
			const isAdded = await ofKnownKey(store.insertSession(session, options));
			if (link !== null) this.#links.remove([link.id]);
			if (!isAdded) throw unknownLink();
			this.#ended(replaces, keyId);
			// The key may have been deleted meanwhile, and its sessions with it.
			if (this.#near.directory.key(keyId) === undefined) throw unknownKey();
			if (!meanwhile.ids.has(session.id)) this.#sessions.add(session);
			return { session, token };
		});
	}

	async signOut({ key, session }: KeyPrincipal, everywhere: boolean, audit: AuditDraft | null): Promise<number> {
		const count = await this.#changes.run(key.id, async () => {
			await this.catchUp();
			const known = this.#sessions.ofKey(key.id, this.#parts.clock.now()).map(({ id }) => id);
			const ids = everywhere ? known : known.filter((id) => id === session?.id);
			if (ids.length === 0) return 0;
			const objectId = everywhere ? key.id : (session?.id ?? key.id);
			const entry = auditEntry(this.#parts, audit, { objectId, projectId: key.projectId });
			await this.#parts.store.deleteSessions(ids, entry);
			this.#ended(ids, key.id);
			return ids.length;
		});
		if (count > 0) await this.#parts.wire.sessionsEnded();
		return count;
	}

	createLink({ key, digest: secretDigest, session }: KeyPrincipal, audit: AuditDraft | null): Promise<NewSignInLink> {
		const { chance, clock, ids, store } = this.#parts;
		const { id: keyId, projectId } = key;
		return this.#changes.run(keyId, async () => {
			await this.catchUp();
			const now = clock.now();
			const principal = session === null ? this.#principalWith(keyId, secretDigest) : this.#principalOf(session);
			const end = endOf(principal);
			if (end <= now || (session !== null && !this.#sessions.has(session.id))) throw unknownKey();
			const token = generateLinkToken(chance);
			const link: SignInLink = {
				id: ids.make("link", now),
				keyId,
				secretDigest,
				digest: keyDigest(token),
				sessionId: session?.id ?? null,
				createDate: now,
				expireDate: Math.min(now + SIGN_IN_LINK_MS, end),
				sessionExpireDate: session?.expireDate ?? null,
			};
			const replaces = excess(this.#links.ofKey(keyId, now), this.#limits.maxSignInLinksPerKey);
			const entry = auditEntry(this.#parts, audit, { objectId: link.id, projectId });
			using meanwhile = this.#endedIds.watch();
			await ofKnownKey(store.insertSignInLink(link, { replaces, entry }));
			this.#links.remove(replaces);
			if (this.#near.directory.key(keyId) === undefined) throw unknownKey();
			if (!meanwhile.ids.has(link.id)) this.#links.add(link);
			return { link, token };
		});
	}

	async createLinkOf(keyId: string, audit: AuditDraft | null): Promise<NewSignInLink> {
		const key = this.#near.directory.key(keyId);
		if (key === undefined) throw new FanfareError("key_not_found", "There is no such key.");
		return this.createLink({ kind: "key", key, digest: key.digest, session: null }, audit);
	}

	/** These keys no longer exist, and neither do their sessions and links. The live streams end with the keys. */
	keysDeleted(keyIds: ReadonlySet<string>): void {
		for (const table of [this.#sessions, this.#links]) for (const keyId of keyIds) table.removeKey(keyId);
	}

	#findLink(token: string): SignInLink | null {
		return isLinkToken(token) ? this.#links.find(token, this.#parts.clock.now()) : null;
	}

	#principalOf(session: Session): KeyPrincipal | null {
		const principal = this.#principalWith(session.keyId, session.secretDigest);
		return principal === null ? null : { ...principal, session };
	}

	/** The owner of a key who has shown the secret key of this digest; null if that is not accepted any more. */
	#principalWith(keyId: string, digest: Uint8Array): KeyPrincipal | null {
		const key = this.#near.directory.key(keyId);
		if (key === undefined || secretEndDate(key, digest) <= this.#parts.clock.now()) return null;
		return { kind: "key", key, digest, session: null };
	}

	/** Forgets sessions of a key that have ended, with the links that they have made. */
	#ended(ids: readonly string[], keyId: string): void {
		if (ids.length === 0) return;
		const gone = new Set(ids);
		this.#sessions.remove(gone);
		const links = this.#links.ofKey(keyId, this.#parts.clock.now());
		this.#links.remove(links.filter(({ sessionId }) => sessionId !== null && gone.has(sessionId)).map(({ id }) => id));
		this.#near.ended(gone);
	}

	async #forgetExpired(): Promise<void> {
		const { clock } = this.#parts;
		for (const table of [this.#sessions, this.#links]) {
			while (!table.forgetExpired(clock.now(), LOOKED_AT_ONCE)) await nextTurn(clock);
		}
	}
}

/** The rows of a list in the store, some at a time. */
async function* pages<T extends { readonly id: string }>(
	read: (after: string | null) => Promise<readonly T[]>,
): AsyncGenerator<readonly T[]> {
	for (let after: string | null = null; ;) {
		const page = await read(after);
		yield page;
		after = page.at(-1)?.id ?? null;
		if (page.length < PAGE) return;
	}
}

/** Until when somebody may make calls; 0 for nobody. */
function endOf(principal: KeyPrincipal | null): number {
	return principal === null ? 0 : accessEndDate(principal);
}

/** The ids of the first ones, so many that there is room for one more. */
function excess(known: readonly { readonly id: string }[], limit: number): string[] {
	return known.slice(0, Math.max(0, known.length - limit + 1)).map(({ id }) => id);
}

/** The store refuses what belongs to a key that was deleted meanwhile, or to a session that has ended. */
async function ofKnownKey<T>(writing: Promise<T>): Promise<T> {
	try {
		return await writing;
	} catch (error) {
		if (error instanceof StoreError && error.code === "store_conflict") throw unknownKey();
		throw error;
	}
}

function unknownKey(): FanfareError {
	return new FanfareError("unknown_key", "There is no such key. Check it for typing errors, or create a new key.");
}

/** The same refusal for a link that nobody has made, one that was used, and one that has expired. */
function unknownLink(): FanfareError {
	return new FanfareError(
		"unknown_sign_in_link",
		"This sign-in link was used already, has expired, or never existed. Make a new one, or sign in with a key.",
	);
}
