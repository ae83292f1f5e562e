// Portal sessions on the real store: from their creation to each of the ways in which they end.
import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { generatePortalToken, type NewPortalSession } from "../../core/access/portal-session.ts";
import { customerScope } from "../../core/access/principal.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { LiveSubscription } from "../live-calls.ts";
import { codeOf, newPortalSession, reasonOfEnd, subscribe } from "../test/arrangements.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const HOUR_MS = 3_600_000;
const ALL = { limit: 1_000, cursor: null };
const OF_ACME = { customerId: "acme", keyId: null };

function make({ engine, change }: TestEngine, changes: Partial<NewPortalSession> = {}) {
	const session = newPortalSession({ capabilities: ["replay"], expiresInMs: HOUR_MS, ...changes });
	return engine.portalSessions.create(change, session);
}

/** Opens a stream with a token. */
function watch(test: TestEngine, token: string): LiveSubscription {
	const principal = test.engine.portalSessions.authenticate(token);
	if (principal === null) throw new Error("the token is not valid");
	return subscribe(test, { scope: customerScope(principal.projectId, principal.customerId), principal });
}

async function ids({ engine, scope }: TestEngine): Promise<string[]> {
	return (await engine.portalSessions.list(scope, ALL)).rows.map(({ id }) => id);
}

describe("a portal session", () => {
	it("authenticates from its creation until it is revoked", async () => {
		await using test = await openTestEngine();
		const { portalSessions } = test.engine;
		const { session, token } = await make(test, { actor: "bo", customerId: "a:b" });
		const other = await make(test);
		expect(portalSessions.authenticate(token)).toEqual({
			kind: "customer",
			projectId: test.projectId,
			customerId: "a:b",
			capabilities: ["replay"],
			portalSessionId: session.id,
			expireDate: test.clock.now() + HOUR_MS,
			actor: "bo",
		});
		expect(await ids(test)).toEqual([other.session.id, session.id]);
		const stored = { ...session, digest: new Uint8Array(session.digest) };
		expect(await portalSessions.get(test.scope, session.id)).toEqual(stored);
		await portalSessions.revoke(test.change, session.id);
		expect(portalSessions.authenticate(token)).toBeNull();
		expect(await ids(test)).toEqual([other.session.id]);
		for (const call of [
			portalSessions.get(test.scope, session.id),
			portalSessions.revoke(test.change, session.id),
			portalSessions.revoke(test.change, "portal_1"),
		]) {
			expect(await codeOf(call)).toBe("portal_session_not_found");
		}
		expect(portalSessions.authenticate(other.token)).not.toBeNull();
	});

	it("is found by its whole token only, and never by a key", async () => {
		await using test = await openTestEngine();
		const { portalSessions, keys } = test.engine;
		const { token } = await make(test);
		const { secretKey } = await keys.create({ name: "k", scope: "admin", projectId: null }, null);
		const forged = [generatePortalToken(systemChance), token.slice(0, -1), `${token}A`, token.slice(3), secretKey, ""];
		for (const text of forged) expect(portalSessions.authenticate(text)).toBeNull();
		expect(keys.authenticate(token)).toBeNull();
	});

	it("authenticates after a restart, and not if it has expired, was revoked or its project was deleted", async () => {
		await using first = await openTestEngine();
		const gone = await first.engine.projects.create("Gone", null);
		const [kept, short, revoked, ofGone] = [
			await make(first),
			await make(first, { expiresInMs: 60_000 }),
			await make(first),
			await make(first.in(gone.id)),
		];
		await first.engine.portalSessions.revoke(first.change, revoked.session.id);
		await first.store.deleteProject(gone.id, first.clock.now(), null);
		first.clock.advance(60_000);
		await first.stop();
		await using second = await openTestEngine({ store: first.store, clock: first.clock });
		const found = [kept, short, revoked, ofGone].map(
			({ token }) => second.engine.portalSessions.authenticate(token)?.portalSessionId,
		);
		expect(found).toEqual([kept.session.id, undefined, undefined, undefined]);
	});

	it("ends at its time, to the millisecond, or with its project, and not with the key that made it", async () => {
		await using test = await openTestEngine();
		const { keys, portalSessions, projects } = test.engine;
		const { key } = await keys.create({ name: "k", scope: "write", projectId: test.projectId }, null);
		const { session, token } = await make(test, { keyId: key.id });
		await keys.delete(key.id, null);
		test.clock.advance(HOUR_MS - 1);
		expect(portalSessions.authenticate(token)).not.toBeNull();
		test.clock.advance(1);
		expect(portalSessions.authenticate(token)).toBeNull();
		expect(await ids(test)).toEqual([]);
		expect(await codeOf(portalSessions.get(test.scope, session.id))).toBe("portal_session_not_found");
		const { token: second } = await make(test);
		await projects.delete(test.change);
		expect(portalSessions.authenticate(second)).toBeNull();
		expect(await codeOf(make(test))).toBe("project_not_found");
	});

	it("ends with the others of its customer, or of its key, and leaves those of everybody else", async () => {
		await using test = await openTestEngine();
		const { portalSessions } = test.engine;
		const other = await test.engine.projects.create("Other", null);
		const by = async (customerId: string, keyId: string | null) => (await make(test, { customerId, keyId })).token;
		const key = "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		const tokens = [await by("acme", key), await by("acme", null), await by("globex", key), await by("globex", null)];
		const foreign = await make(test.in(other.id), { keyId: key });
		const valid = () => tokens.map((token) => portalSessions.authenticate(token) !== null);
		expect(await portalSessions.revokeAll(test.change, { customerId: "acme", keyId: key })).toBe(1);
		expect(valid()).toEqual([false, true, true, true]);
		expect(await portalSessions.revokeAll(test.change, OF_ACME)).toBe(1);
		expect(await portalSessions.revokeAll(test.change, { customerId: null, keyId: key })).toBe(1);
		expect(valid()).toEqual([false, false, false, true]);
		expect(await portalSessions.revokeAll(test.change, { customerId: "nobody", keyId: null })).toBe(0);
		expect(portalSessions.authenticate(foreign.token)).not.toBeNull();
	});

	it("is not left behind by the revocation of all of its customer, however they meet", async () => {
		await using test = await openTestEngine();
		const { portalSessions } = test.engine;
		const making = Array.from({ length: 20 }, () => make(test));
		const revoking = portalSessions.revokeAll(test.change, OF_ACME);
		const later = make(test);
		const made = await Promise.all(making);
		expect(await revoking).toBe(20);
		expect(made.map(({ token }) => portalSessions.authenticate(token))).toEqual(made.map(() => null));
		expect(portalSessions.authenticate((await later).token)).not.toBeNull();
	});

	it("is there only once it is stored, and until the store has deleted it", async () => {
		await using test = await openTestEngine();
		const { portalSessions } = test.engine;
		const working = { ...test.engineStore };
		const full = () => Promise.reject(new StoreError("store_full", "no space"));
		const failing = { insertPortalSession: full, deletePortalSessions: full };
		Object.assign(test.engineStore, failing);
		expect(await codeOf(make(test))).toBe("store_full");
		expect(await portalSessions.revokeAll(test.change, OF_ACME)).toBe(0);
		Object.assign(test.engineStore, working);
		const { session, token } = await make(test);
		Object.assign(test.engineStore, failing);
		expect(await codeOf(portalSessions.revoke(test.change, session.id))).toBe("store_full");
		expect(portalSessions.authenticate(token)).not.toBeNull();
	});

	it("is refused in the scope of a customer", async () => {
		await using test = await openTestEngine();
		const { portalSessions } = test.engine;
		const change = { scope: customerScope(test.projectId, "acme"), audit: null };
		const { session } = await make(test);
		for (const call of [
			portalSessions.create(change, newPortalSession()),
			portalSessions.revoke(change, session.id),
			portalSessions.revokeAll(change, OF_ACME),
		]) {
			expect(await codeOf(call)).toBe("insufficient_scope");
		}
	});
});

describe("limits", () => {
	it("a customer's new session takes the place of the one that would expire first", async () => {
		await using test = await openTestEngine({ limits: { maxPortalSessionsPerCustomer: 3 } });
		const { portalSessions } = test.engine;
		const days = [3, 1, 2].map((day) => make(test, { expiresInMs: day * 86_400_000 }));
		const [long, short, middle] = await Promise.all(days);
		const foreign = await make(test, { customerId: "globex" });
		const stream = watch(test, short!.token);
		const newest = await make(test);
		const all = [long!, short!, middle!, foreign, newest];
		const ended = all.filter(({ token }) => portalSessions.authenticate(token) === null);
		expect(ended).toEqual([short]);
		expect(await reasonOfEnd(stream)).toBe("the portal session was ended");
		expect(await ids(test)).toHaveLength(4);
		// Also of many that are made at once.
		const many = await Promise.all(Array.from({ length: 10 }, () => make(test, { customerId: "initech" })));
		expect(many.filter(({ token }) => portalSessions.authenticate(token) !== null)).toHaveLength(3);
		expect(await ids(test)).toHaveLength(7);
	});

	it("a project with as many as it may have makes no more, other projects do, and expired ones make room", async () => {
		await using test = await openTestEngine({ limits: { maxPortalSessions: 2 } });
		const other = await test.engine.projects.create("Other", null);
		await make(test, { customerId: "a" });
		await make(test, { customerId: "b", expiresInMs: 7 * 86_400_000 });
		await expect(make(test, { customerId: "c" })).rejects.toMatchObject({ code: "too_many_portal_sessions" });
		await make(test.in(other.id), { customerId: "c" });
		test.clock.advance(HOUR_MS);
		await eventually("the expired session is forgotten", async () => {
			test.clock.advance(60_000);
			return make(test, { customerId: "c" }).catch(() => null);
		});
	});

	it("expired sessions leave the store, too", async () => {
		await using test = await openTestEngine();
		for (let n = 0; n < 3; n++) await make(test);
		const { session } = await make(test, { expiresInMs: 7 * 86_400_000 });
		test.clock.advance(HOUR_MS);
		await eventually("only one is left", async () => {
			test.clock.advance(60_000);
			const left = await test.store.allPortalSessions(null, 10);
			return left.length === 1 && left[0]?.id === session.id;
		});
	});
});

describe("a live stream that was opened with a portal session's token", () => {
	const ENDED = "the portal session was ended";
	it.each<[string, string, (test: TestEngine, id: string) => Promise<unknown>]>([
		["is revoked", ENDED, ({ engine, change }, id) => engine.portalSessions.revoke(change, id)],
		[
			"is revoked with the others of its customer",
			ENDED,
			({ engine, change }) => engine.portalSessions.revokeAll(change, OF_ACME),
		],
		["expires", "the access of its caller has ended", async ({ clock }) => clock.advance(HOUR_MS)],
		["loses its project", "the project was deleted", ({ engine, change }) => engine.projects.delete(change)],
	])("ends when the session %s", async (_, reason, end) => {
		await using test = await openTestEngine();
		const { session, token } = await make(test);
		const other = await make(test, { customerId: "globex", expiresInMs: 2 * HOUR_MS });
		const [stream, beside] = [watch(test, token), watch(test, other.token)];
		// One client waits, and one has not asked yet.
		const late = watch(test, token);
		await stream.next();
		const ending = reasonOfEnd(stream);
		await end(test, session.id);
		expect(await ending).toBe(reason);
		expect(await reasonOfEnd(late)).toBe(reason);
		if (reason !== "the project was deleted") expect(await beside.next()).toMatchObject([{ type: "heartbeat" }]);
	});
});
