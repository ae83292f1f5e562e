// The contract of the slice for sessions of the page and sign-in links.
import { expect, it } from "vitest";

import { keyDigest, type ApiKey } from "../../../core/access/key.ts";
import type { Session, SignInLink } from "../../../core/access/session.ts";
import { ANY_ENTRY, fillStore, NEWEST, type CurrentStore, type Records } from "./records/records.ts";

export function describeSessions(current: CurrentStore): void {
	it("keeps all fields of sessions and links, and lists them oldest first, page by page", async () => {
		const { store, records, key } = await open(current);
		const made = [session(records, key), session(records, key), session(records, key)];
		for (const each of made) expect(await store.insertSession(each, ALONE)).toBe(true);
		const links = [link(records, key), link(records, key, { sessionId: made[0]!.id, sessionExpireDate: 7 })];
		for (const each of links) await store.insertSignInLink(each, NO_ENTRY);
		expect(await store.sessions(null, 10)).toEqual(made);
		expect(await store.sessions(null, 2)).toEqual(made.slice(0, 2));
		expect(await store.sessions(made[1]!.id, 2)).toEqual(made.slice(2));
		expect(await store.signInLinks(null, 1)).toEqual(links.slice(0, 1));
		expect(await store.signInLinks(links[0]!.id, 10)).toEqual(links.slice(1));
	});

	it("refuses those of a key or a session that does not exist, and an id that does", async () => {
		const { store, records, key } = await open(current);
		const nobody = records.key();
		const { id: sessionId } = session(records, key);
		const known = session(records, key);
		await store.insertSession(known, ALONE);
		for (const refused of [
			() => store.insertSession(session(records, nobody), ALONE),
			() => store.insertSignInLink(link(records, nobody), NO_ENTRY),
			() => store.insertSignInLink(link(records, key, { sessionId }), NO_ENTRY),
			() => store.insertSession(known, ALONE),
		]) {
			await expect(refused()).rejects.toMatchObject({ code: "store_conflict" });
		}
		expect([await store.sessions(null, 10), await store.signInLinks(null, 10)]).toEqual([[known], []]);
	});

	it("lets exactly one of several sessions use up a link, with its entry", async () => {
		const { store, records, key } = await open(current);
		const used = link(records, key);
		await store.insertSignInLink(used, NO_ENTRY);
		const sessions = [session(records, key), session(records, key), session(records, key)];
		const entries = sessions.map(({ id }) => records.entry({ action: "session.create", objectId: id }));
		const options = (n: number) => ({ replaces: [], linkId: used.id, entry: entries[n] ?? null });
		const results = await Promise.all(sessions.map((each, n) => store.insertSession(each, options(n))));
		expect(results.filter(Boolean)).toHaveLength(1);
		const winner = results.indexOf(true);
		expect(await store.sessions(null, 10)).toEqual([sessions[winner]]);
		expect((await store.auditEntries(ANY_ENTRY, NEWEST)).rows).toEqual([entries[winner]]);
		expect(await store.signInLinks(null, 10)).toEqual([]);
	});

	it("changes nothing if the entry can't be written: the link can still be used", async () => {
		const { store, records, key } = await open(current);
		const [kept, old] = [link(records, key), session(records, key)];
		await store.insertSignInLink(kept, NO_ENTRY);
		await store.insertSession(old, ALONE);
		const entry = records.entry();
		await store.insertAuditEntry(entry);
		const options = { replaces: [old.id], linkId: kept.id, entry };
		await expect(store.insertSession(session(records, key), options)).rejects.toMatchObject({ code: "store_conflict" });
		await expect(store.deleteSessions([old.id], entry)).rejects.toMatchObject({ code: "store_conflict" });
		const other = store.insertSignInLink(link(records, key), { replaces: [kept.id], entry });
		await expect(other).rejects.toMatchObject({ code: "store_conflict" });
		expect([await store.sessions(null, 10), await store.signInLinks(null, 10)]).toEqual([[old], [kept]]);
	});

	it("removes sessions with the links that they have made, and writes the entry only if there were any", async () => {
		const { store, records, key } = await open(current);
		const [gone, stays] = [session(records, key), session(records, key)];
		for (const each of [gone, stays]) await store.insertSession(each, ALONE);
		const ofGone = link(records, key, { sessionId: gone.id });
		const others = [link(records, key, { sessionId: stays.id }), link(records, key)];
		for (const each of [ofGone, ...others]) await store.insertSignInLink(each, NO_ENTRY);
		const entry = records.entry();
		expect(await store.deleteSessions([gone.id, "session_x"], entry)).toBe(1);
		expect(await store.deleteSessions([gone.id], records.entry())).toBe(0);
		expect(await store.sessions(null, 10)).toEqual([stays]);
		expect(await store.signInLinks(null, 10)).toEqual(others);
		expect((await store.auditEntries(ANY_ENTRY, NEWEST)).rows).toEqual([entry]);
		const next = session(records, key);
		await store.insertSession(next, { replaces: [stays.id], linkId: null, entry: null });
		await store.insertSignInLink(link(records, key), { replaces: [others[1]!.id], entry: null });
		expect(await store.sessions(null, 10)).toEqual([next]);
		expect(await store.signInLinks(null, 10)).toHaveLength(1);
	});

	it("removes those of a key with the key, and with its project, and those of no other", async () => {
		const { store, projectId, records, key } = await open(current);
		const ofProject = records.key("read", projectId);
		const other = records.key("read");
		for (const each of [ofProject, other]) await store.insertKey(each, null);
		const kept = session(records, other);
		for (const each of [session(records, key), session(records, ofProject), kept]) {
			await store.insertSession(each, ALONE);
			await store.insertSignInLink(link(records, { id: each.keyId }), NO_ENTRY);
		}
		await store.deleteKey(key.id, null);
		expect((await store.sessions(null, 10)).map(({ keyId }) => keyId)).toEqual([other.id, ofProject.id]);
		await store.deleteProject(projectId, records.now, null);
		expect(await store.sessions(null, 10)).toEqual([kept]);
		expect((await store.signInLinks(null, 10)).map(({ keyId }) => keyId)).toEqual([other.id]);
	});

	it("purges what has expired, oldest first, at most so many of each in a step", async () => {
		const { store, records, key } = await open(current);
		const at = (expireDate: number) => ({ expireDate: records.now + expireDate });
		for (const end of [30, 10, 20, 40]) await store.insertSession(session(records, key, at(end)), ALONE);
		for (const end of [5, 15]) {
			await store.insertSignInLink(link(records, key, at(end)), NO_ENTRY);
		}
		const left = async () => [
			...(await store.sessions(null, 10)).map(({ expireDate }) => expireDate - records.now),
			...(await store.signInLinks(null, 10)).map(({ expireDate }) => expireDate - records.now),
		];
		expect(await store.purgeSessions(records.now + 4, 10)).toBe(0);
		expect(await store.purgeSessions(records.now + 30, 2)).toBe(2);
		expect(await left()).toEqual([30, 40]);
		expect(await store.purgeSessions(records.now + 30, 2)).toBe(1);
		expect(await left()).toEqual([40]);
	});
}

const NO_ENTRY = { replaces: [], entry: null };

/** A session that replaces none, and uses no link. */
export const ALONE = { replaces: [], linkId: null, entry: null };

async function open(current: CurrentStore) {
	const world = await fillStore(current());
	const key = world.records.key("write");
	await world.store.insertKey(key, null);
	return { ...world, key };
}

let tokens = 0;

/** A session of a key, with a token of its own. */
export function session(records: Records, { id: keyId }: Pick<ApiKey, "id">, changes: Partial<Session> = {}): Session {
	const digest = Uint8Array.from(keyDigest(`token ${tokens++}`));
	const dates = { createDate: records.now, expireDate: records.now + 100 };
	const id = records.ids.make("session", records.now);
	return { id, keyId, secretDigest: Uint8Array.of(1, 2), digest, ...dates, ...changes };
}

/** A sign-in link of a key, with a token of its own. */
export function link(
	records: Records,
	{ id: keyId }: Pick<ApiKey, "id">,
	changes: Partial<SignInLink> = {},
): SignInLink {
	const id = records.ids.make("link", records.now);
	const none = { sessionId: null, sessionExpireDate: null };
	return { ...session(records, { id: keyId }), id, ...none, ...changes };
}
