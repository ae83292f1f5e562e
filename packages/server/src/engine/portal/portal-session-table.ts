// All valid portal sessions in memory, found by the digest of their token.
import { keyDigest } from "../../core/access/key.ts";
import type { PortalSession } from "../../core/access/portal-session.ts";

/** What memory has of a session. */
export type KnownSession = Pick<
	PortalSession,
	"id" | "projectId" | "customerId" | "keyId" | "capabilities" | "actor" | "expireDate"
>;

interface Entry extends KnownSession {
	readonly digest: string;
	/** The next session of the same customer. */
	next: Entry | null;
}

/** The sessions of one project. */
interface OfProject {
	readonly projectId: string;
	/** The key that has made the last one, which usually makes the next one, too. */
	keyId: string | null;
	/** The first session of each customer, which leads to the others. */
	readonly byCustomer: Map<string, Entry>;
	count: number;
}

/**
 * About half a kilobyte for each session: texts that many sessions have are kept once, and a customer with one session, as most
 * have, takes no list. Sessions that have expired stay until `forgetExpired` has come by them, but are never found.
 */
export class PortalSessionTable {
	/** By the bytes of the digest, as text. */
	readonly #byDigest = new Map<string, Entry>();
	readonly #byId = new Map<string, Entry>();
	readonly #projects = new Map<string, OfProject>();
	/** The combinations of capabilities, which sessions share. */
	readonly #capabilities = new Map<string, KnownSession["capabilities"]>();
	/** Where `forgetExpired` goes on. */
	#rest: Iterator<Entry> | null = null;

	/**
	 * The session of this token, if it is valid at this time; null otherwise. The timing of the look-up reveals nothing useful, as
	 * nobody can choose the digest.
	 */
	find(token: string, now: number): KnownSession | null {
		const session = this.#byDigest.get(textOf(keyDigest(token)));
		return session !== undefined && isValid(session, now) ? session : null;
	}

	/** A session of a project by its id, if it is valid at this time; null otherwise. */
	byId(projectId: string, id: string, now: number): KnownSession | null {
		const session = this.#byId.get(id);
		return session?.projectId === projectId && isValid(session, now) ? session : null;
	}

	/** The number of sessions that a project has here, expired ones included. */
	countOf(projectId: string): number {
		return this.#projects.get(projectId)?.count ?? 0;
	}

	/** The valid sessions of a customer. */
	ofCustomer(projectId: string, customerId: string, now: number): KnownSession[] {
		const first = this.#projects.get(projectId)?.byCustomer.get(customerId) ?? null;
		return listFrom(first).filter((session) => isValid(session, now));
	}

	/** The valid sessions of a project. */
	ofProject(projectId: string, now: number): KnownSession[] {
		const firsts = this.#projects.get(projectId)?.byCustomer.values() ?? [];
		return [...firsts].flatMap((first) => listFrom(first).filter((session) => isValid(session, now)));
	}

	/** Adds what is not known yet. */
	add({ id, customerId, actor, expireDate, ...session }: PortalSession): void {
		if (this.#byId.has(id)) return;
		const project = this.#projectOf(session);
		const { projectId } = project;
		const keyId = session.keyId === project.keyId ? project.keyId : session.keyId;
		project.keyId = keyId;
		const next = project.byCustomer.get(customerId) ?? null;
		const entry: Entry = {
			id,
			projectId,
			customerId: next?.customerId ?? customerId,
			keyId,
			capabilities: this.#shareList(session.capabilities),
			actor,
			expireDate,
			digest: textOf(session.digest),
			next,
		};
		this.#byDigest.set(entry.digest, entry);
		this.#byId.set(id, entry);
		project.byCustomer.set(entry.customerId, entry);
		project.count++;
	}

	/** Forgets the sessions with these ids, as far as they are known. */
	remove(ids: Iterable<string>): void {
		for (const id of ids) {
			const session = this.#byId.get(id);
			if (session !== undefined) this.#forget(session);
		}
	}

	removeProject(projectId: string): void {
		const firsts = this.#projects.get(projectId)?.byCustomer.values() ?? [];
		for (const session of [...firsts].flatMap(listFrom)) this.#forget(session);
	}

	/**
	 * Looks at the next `limit` sessions, and forgets those that have expired. Returns whether it has come to the end; the next
	 * call begins anew then.
	 */
	forgetExpired(now: number, limit: number): boolean {
		this.#rest ??= this.#byId.values();
		for (let looked = 0; looked < limit; looked++) {
			const { done, value } = this.#rest.next();
			if (done === true) {
				this.#rest = null;
				return true;
			}
			if (!isValid(value, now)) this.#forget(value);
		}
		return false;
	}

	#forget(session: Entry): void {
		if (!this.#byId.delete(session.id)) return;
		this.#byDigest.delete(session.digest);
		const project = this.#projects.get(session.projectId);
		if (project === undefined) return;
		project.count--;
		if (project.count === 0) this.#projects.delete(session.projectId);
		const { customerId } = session;
		const first = project.byCustomer.get(customerId);
		const before = listFrom(first ?? null).find(({ next }) => next === session);
		if (before !== undefined) before.next = session.next;
		else if (session.next !== null) project.byCustomer.set(customerId, session.next);
		else project.byCustomer.delete(customerId);
	}

	#projectOf({ projectId, keyId }: Pick<PortalSession, "projectId" | "keyId">): OfProject {
		const known = this.#projects.get(projectId);
		if (known !== undefined) return known;
		const project = { projectId, keyId, byCustomer: new Map<string, Entry>(), count: 0 };
		this.#projects.set(projectId, project);
		return project;
	}

	#shareList(list: KnownSession["capabilities"]): KnownSession["capabilities"] {
		const name = list.join();
		const known = this.#capabilities.get(name);
		if (known === undefined) this.#capabilities.set(name, list);
		return known ?? list;
	}
}

function listFrom(first: Entry | null): Entry[] {
	const list: Entry[] = [];
	for (let session = first; session !== null; session = session.next) list.push(session);
	return list;
}

function isValid({ expireDate }: KnownSession, now: number): boolean {
	return now < expireDate;
}

/** A character for each byte. */
function textOf(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
