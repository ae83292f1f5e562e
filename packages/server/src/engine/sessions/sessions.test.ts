// Sessions and sign-in links on the real store, with a clock that the test moves: how they begin, and everything that ends them.
import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { generateSecretKey } from "../../core/access/key.ts";
import { generateLinkToken, generateSessionToken } from "../../core/access/session.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { codeOf, subscribe } from "../test/arrangements.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const KEY = { name: "k", scope: "write", projectId: null } as const;

type Proof = { readonly key: string } | { readonly link: string };

/** Signs in with a key or a link. */
async function signIn({ engine }: TestEngine, proof: Proof): Promise<string> {
	return (await engine.sessions.signIn(engine.sessions.prove(proof), null)).token;
}

function accepted({ engine }: TestEngine, token: string): boolean {
	return engine.sessions.authenticate(token) !== null;
}

/** A key, and a session that was begun with it. */
async function openSession(test: TestEngine, input: Partial<typeof KEY & { expireDate: number }> = {}) {
	const made = await test.engine.keys.create({ ...KEY, ...input }, null);
	const token = await signIn(test, { key: made.secretKey });
	return { ...made, token };
}

/** The code with which a key or a link is refused; null if it is accepted. */
const proving = ({ engine }: TestEngine, proof: Proof) => codeOf(() => engine.sessions.prove(proof));

/** The engine that goes on with the store after a stop of another one. */
async function restarted(test: TestEngine): Promise<TestEngine> {
	await test.stop();
	return openTestEngine({ store: test.store, clock: test.clock });
}

describe("a session", () => {
	it("lets somebody do what the key may, for 12 hours, also over restarts and renames, and counts as a use of it", async () => {
		await using test = await openTestEngine();
		const { key, secretKey, token } = await openSession(test);
		const end = test.clock.now() + 12 * HOUR_MS;
		const principal = test.engine.sessions.authenticate(token);
		const session = { keyId: key.id, expireDate: end };
		expect(principal).toMatchObject({ kind: "key", key: { id: key.id, scope: "write" }, session });
		expect(token).not.toContain(secretKey.slice(3));
		test.clock.advance(10 * MINUTE_MS);
		expect(accepted(test, token)).toBe(true);
		const [shown] = test.engine.keys.list({ limit: 1, cursor: null }).rows;
		expect(shown).toMatchObject({ id: key.id, lastUsedDate: test.clock.now() - (test.clock.now() % MINUTE_MS) });
		await test.engine.keys.update(key.id, { name: "renamed" }, null);
		expect(test.engine.sessions.authenticate(token)?.key.name).toBe("renamed");
		await using again = await restarted(test);
		const { id } = principal!.session!;
		expect(again.engine.sessions.authenticate(token)).toMatchObject({ session: { id, expireDate: end } });
		again.clock.advance(end - again.clock.now() - 1);
		expect(accepted(again, token)).toBe(true);
		again.clock.advance(1);
		expect(accepted(again, token)).toBe(false);
	});

	it("can't begin with a key that is unknown or expired, nor with any other text", async () => {
		await using test = await openTestEngine();
		const { secretKey } = await test.engine.keys.create({ ...KEY, expireDate: test.clock.now() + 1 }, null);
		test.clock.advance(1);
		expect(await proving(test, { key: secretKey })).toBe("expired_key");
		for (const key of [generateSecretKey(systemChance), "", "sk_", generateSessionToken(systemChance)]) {
			expect(await proving(test, { key })).toBe("unknown_key");
		}
		expect(test.engine.sessions.authenticate(generateSessionToken(systemChance))).toBeNull();
		const texts = ["", "ss_", secretKey, generateLinkToken(systemChance)];
		expect(texts.filter((text) => accepted(test, text))).toEqual([]);
	});

	it("ends when the key is deleted, and when its project is, and nothing of it stays", async () => {
		await using test = await openTestEngine();
		const { projectId } = test;
		const [one, two, other] = [await openSession(test), await openSession(test), await openSession(test)];
		const ofProject = await test.engine.keys.create({ ...KEY, projectId }, null);
		const token = await signIn(test, { key: ofProject.secretKey });
		await test.engine.keys.delete(one.key.id, null);
		await test.engine.keys.delete(two.key.id, null);
		await test.engine.projects.delete(test.change);
		const tokens = [one.token, two.token, token, other.token];
		expect(tokens.filter((each) => accepted(test, each))).toEqual([other.token]);
		expect((await test.store.sessions(null, 10)).map(({ keyId }) => keyId)).toEqual([other.key.id]);
	});

	it("ends when the key expires, and with the secret key that was shown: at the end of the overlap after a roll, or at once", async () => {
		await using test = await openTestEngine();
		const expireDate = test.clock.now() + HOUR_MS;
		const expiring = (await openSession(test, { expireDate })).token;
		expect(test.engine.sessions.authenticate(expiring)?.session).toMatchObject({ expireDate });
		const { key, token } = await openSession(test);
		const { secretKey } = await test.engine.keys.roll(key.id, HOUR_MS, null);
		const fresh = await signIn(test, { key: secretKey });
		test.clock.advance(HOUR_MS - 1);
		expect([expiring, token, fresh].map((each) => accepted(test, each))).toEqual([true, true, true]);
		test.clock.advance(1);
		expect([expiring, token, fresh].map((each) => accepted(test, each))).toEqual([false, false, true]);
		await test.engine.keys.roll(key.id, 0, null);
		expect(accepted(test, fresh)).toBe(false);
	});

	it("ends when somebody signs out: alone, or with all of the key, and comes back with no restart", async () => {
		await using test = await openTestEngine();
		const { sessions } = test.engine;
		const { secretKey, token } = await openSession(test);
		const [second, third] = [await signIn(test, { key: secretKey }), await signIn(test, { key: secretKey })];
		const other = await openSession(test);
		const all = [token, second, third, other.token];
		const states = (on: TestEngine) => all.map((each) => accepted(on, each));
		const principal = sessions.authenticate(token)!;
		expect(await sessions.signOut(principal, false, null)).toBe(1);
		expect(states(test)).toEqual([false, true, true, true]);
		expect(await sessions.signOut(principal, false, null)).toBe(0);
		expect(await sessions.signOut(sessions.authenticate(second)!, true, null)).toBe(2);
		expect(states(test)).toEqual([false, false, false, true]);
		expect(await sessions.signOut(test.engine.keys.authenticate(secretKey)!, true, null)).toBe(0);
		await using again = await restarted(test);
		expect(states(again)).toEqual([false, false, false, true]);
	});

	it("does not begin if the store fails, and does not end either", async () => {
		await using test = await openTestEngine();
		const { sessions } = test.engine;
		const { secretKey, token } = await openSession(test);
		const full = () => Promise.reject(new StoreError("store_full", "no space"));
		Object.assign(test.engineStore, { insertSession: full, deleteSessions: full, insertSignInLink: full });
		expect(await codeOf(signIn(test, { key: secretKey }))).toBe("store_full");
		const principal = sessions.authenticate(token)!;
		expect(await codeOf(sessions.signOut(principal, false, null))).toBe("store_full");
		expect(await codeOf(sessions.createLink(principal, null))).toBe("store_full");
		expect(accepted(test, token)).toBe(true);
		expect(await test.store.sessions(null, 10)).toHaveLength(1);
	});

	it("does not begin with a key that is deleted or rolled while it is being stored", async () => {
		await using test = await openTestEngine();
		const { engine } = test;
		const [deleted, rolled] = [await engine.keys.create(KEY, null), await engine.keys.create(KEY, null)];
		const proofs = [deleted, rolled].map(({ secretKey }) => engine.sessions.prove({ key: secretKey }));
		await engine.keys.delete(deleted.key.id, null);
		await engine.keys.roll(rolled.key.id, 0, null);
		for (const proof of proofs) expect(await codeOf(engine.sessions.signIn(proof, null))).toBe("unknown_key");
		// The store has deleted the key, and the engine does not know yet.
		const late = await engine.keys.create(KEY, null);
		test.engineStore.insertSession = async (...parameters) => {
			await test.store.deleteKey(late.key.id, null);
			return test.store.insertSession(...parameters);
		};
		expect(await codeOf(signIn(test, { key: late.secretKey }))).toBe("unknown_key");
		expect(await test.store.sessions(null, 10)).toEqual([]);
		// It is deleted just after the session was stored.
		const later = await engine.keys.create(KEY, null);
		test.engineStore.insertSession = async (...parameters) => {
			const added = await test.store.insertSession(...parameters);
			await engine.keys.delete(later.key.id, null);
			return added;
		};
		expect(await codeOf(signIn(test, { key: later.secretKey }))).toBe("unknown_key");
	});

	it("ends its live streams, however it ends", async () => {
		await using test = await openTestEngine();
		const { sessions } = test.engine;
		const open = (principal: Parameters<typeof sessions.signOut>[0] | null) => subscribe(test, { principal });
		const { key, secretKey, token } = await openSession(test);
		const [out, old] = [await signIn(test, { key: secretKey }), await signIn(test, { key: secretKey })];
		const principals = [token, out, old].map((each) => sessions.authenticate(each));
		const [stays, signedOut, later] = principals.map(open);
		const byKey = open(test.engine.keys.authenticate(secretKey));
		const types = async (stream: typeof byKey | undefined) => (await stream?.next())?.map(({ type }) => type);
		await sessions.signOut(principals[1]!, false, null);
		const signals = [await types(signedOut), await types(stays), await types(byKey)];
		expect(signals).toEqual([["end"], ["heartbeat"], ["heartbeat"]]);
		await sessions.signOut(principals[0]!, true, null);
		expect([await types(stays), await types(later)]).toEqual([["end"], ["end"]]);
		const last = open(sessions.authenticate(await signIn(test, { key: secretKey })));
		const rolledAway = open(sessions.authenticate(await signIn(test, { key: secretKey })));
		await types(last);
		test.clock.advance(12 * HOUR_MS);
		expect(await types(last)).toEqual(["end"]);
		await test.engine.keys.roll(key.id, 0, null);
		expect([await types(rolledAway), await types(byKey)]).toEqual([["end"], ["end"]]);
	});

	it("takes the place of the one that would expire first if its key has 1,000, and of nobody else's", async () => {
		await using test = await openTestEngine();
		const { secretKey, token } = await openSession(test);
		const other = await openSession(test);
		test.clock.advance(1);
		const second = await signIn(test, { key: secretKey });
		test.clock.advance(1);
		const tokens = await Promise.all(Array.from({ length: 998 }, () => signIn(test, { key: secretKey })));
		expect([token, second].map((each) => accepted(test, each))).toEqual([true, true]);
		const late = await Promise.all([signIn(test, { key: secretKey }), signIn(test, { key: secretKey })]);
		expect([token, second, other.token].map((each) => accepted(test, each))).toEqual([false, false, true]);
		expect([...tokens, ...late].every((each) => accepted(test, each))).toBe(true);
		expect(await test.store.sessions(null, 2_000)).toHaveLength(1_001);
	});

	it("is purged from the store and from memory when it has expired", async () => {
		await using test = await openTestEngine();
		const { secretKey } = await openSession(test, { expireDate: test.clock.now() + 90 * MINUTE_MS });
		await signIn(test, { key: secretKey });
		await test.engine.sessions.createLink(test.engine.keys.authenticate(secretKey)!, null);
		const steps: number[] = [];
		test.engineStore.purgeSessions = async (...parameters) => {
			const purged = await test.store.purgeSessions(...parameters);
			steps.push(purged);
			return purged;
		};
		for (let minute = 0; minute < 92; minute++) {
			test.clock.advance(MINUTE_MS);
			await eventually("the pass has ended", () => steps.length > minute);
		}
		expect([await test.store.sessions(null, 10), await test.store.signInLinks(null, 10)]).toEqual([[], []]);
		expect(steps.filter((purged) => purged > 0)).toEqual([1, 2]);
		expect(test.observer.problems).toEqual([]);
	});
});

describe("a sign-in link", () => {
	const makeLink = async (test: TestEngine, secretKey: string) =>
		(await test.engine.sessions.createLink(test.engine.keys.authenticate(secretKey)!, null)).token;

	it("signs somebody in once, with the key that it was made with, also over a restart", async () => {
		await using test = await openTestEngine();
		const { key, secretKey } = await test.engine.keys.create(KEY, null);
		const link = await makeLink(test, secretKey);
		await using again = await restarted(test);
		const token = await signIn(again, { link });
		expect(again.engine.sessions.authenticate(token)?.key.id).toBe(key.id);
		expect(await proving(again, { link })).toBe("unknown_sign_in_link");
		await using third = await restarted(again);
		expect(await proving(third, { link })).toBe("unknown_sign_in_link");
		expect(accepted(third, token)).toBe(true);
	});

	it("used several times at once, or by two processes, signs in exactly once", async () => {
		await using test = await openTestEngine();
		const { secretKey } = await test.engine.keys.create(KEY, null);
		const [link, other] = [await makeLink(test, secretKey), await makeLink(test, secretKey)];
		const proofs = Array.from({ length: 10 }, () => test.engine.sessions.prove({ link }));
		const codes = await Promise.all(proofs.map((proof) => codeOf(test.engine.sessions.signIn(proof, null))));
		expect(codes.filter((code) => code === null)).toHaveLength(1);
		expect(new Set(codes)).toEqual(new Set([null, "unknown_sign_in_link"]));
		expect(await test.store.sessions(null, 10)).toHaveLength(1);
		// Another process has used it, of which this one has not heard.
		await using process = await openTestEngine({ store: test.store, clock: test.clock });
		await signIn(process, { link: other });
		expect(await codeOf(signIn(test, { link: other }))).toBe("unknown_sign_in_link");
		expect(await proving(test, { link: other })).toBe("unknown_sign_in_link");
		expect(await test.store.sessions(null, 10)).toHaveLength(2);
	});

	it("can be used for 10 minutes, and ends with its key: when it is deleted, expires, or is rolled without an overlap", async () => {
		await using test = await openTestEngine();
		const { engine } = test;
		const make = async (expireDate: number | null = null) => {
			const { key, secretKey } = await engine.keys.create({ ...KEY, expireDate }, null);
			return { key, link: await makeLink(test, secretKey) };
		};
		const [used, late] = [await make(), await make()];
		const [deleted, rolled, expired] = [await make(), await make(), await make(test.clock.now() + 1_000)];
		await engine.keys.delete(deleted.key.id, null);
		await engine.keys.roll(rolled.key.id, 0, null);
		test.clock.advance(1_000);
		for (const { link } of [deleted, rolled, expired])
			expect(await proving(test, { link })).toBe("unknown_sign_in_link");
		test.clock.advance(10 * MINUTE_MS - 1_001);
		await signIn(test, { link: used.link });
		test.clock.advance(1);
		expect(await proving(test, { link: late.link })).toBe("unknown_sign_in_link");
	});

	it("stays usable if the session can't be stored", async () => {
		await using test = await openTestEngine();
		const { secretKey } = await test.engine.keys.create(KEY, null);
		const link = await makeLink(test, secretKey);
		const working = { ...test.engineStore };
		test.engineStore.insertSession = () => Promise.reject(new StoreError("store_full", "no space"));
		await expect(signIn(test, { link })).rejects.toMatchObject({ code: "store_full" });
		Object.assign(test.engineStore, working);
		expect(accepted(test, await signIn(test, { link }))).toBe(true);
	});

	it("that was made in a session ends with it, and gives nobody more time than the session has", async () => {
		await using test = await openTestEngine();
		const { sessions } = test.engine;
		const { secretKey, token } = await openSession(test);
		const principal = sessions.authenticate(token)!;
		test.clock.advance(11 * HOUR_MS);
		const [used, unused] = [await sessions.createLink(principal, null), await sessions.createLink(principal, null)];
		const next = await signIn(test, { link: used.token });
		expect(sessions.authenticate(next)?.session?.expireDate).toBe(principal.session?.expireDate);
		await sessions.signOut(principal, false, null);
		expect(await proving(test, { link: unused.token })).toBe("unknown_sign_in_link");
		expect(await test.store.signInLinks(null, 10)).toEqual([]);
		await expect(sessions.createLink(principal, null)).rejects.toMatchObject({ code: "unknown_key" });
		expect(accepted(test, next)).toBe(true);
		await sessions.signOut(test.engine.keys.authenticate(secretKey)!, true, null);
		expect(accepted(test, next)).toBe(false);
	});

	it("takes the place of the oldest if its key has 100, and of nobody else's", async () => {
		await using test = await openTestEngine();
		const { secretKey } = await test.engine.keys.create(KEY, null);
		const other = await test.engine.keys.create(KEY, null);
		const [first, ofOther] = [await makeLink(test, secretKey), await makeLink(test, other.secretKey)];
		test.clock.advance(1);
		await Promise.all(Array.from({ length: 99 }, () => makeLink(test, secretKey)));
		expect(await proving(test, { link: first })).toBeNull();
		await makeLink(test, secretKey);
		expect(await proving(test, { link: first })).toBe("unknown_sign_in_link");
		expect(await proving(test, { link: ofOther })).toBeNull();
		expect(await test.store.signInLinks(null, 1_000)).toHaveLength(101);
	});

	it("can be made by the server itself for a key that exists", async () => {
		await using test = await openTestEngine();
		const { sessions } = test.engine;
		const { key } = await test.engine.keys.create(KEY, null);
		const { token, link } = await sessions.createLinkOf(key.id, null);
		expect(link).toMatchObject({ keyId: key.id, sessionExpireDate: null });
		expect(sessions.authenticate(await signIn(test, { link: token }))?.key.id).toBe(key.id);
		await test.engine.keys.delete(key.id, null);
		await expect(sessions.createLinkOf(key.id, null)).rejects.toMatchObject({ code: "key_not_found" });
	});
});
