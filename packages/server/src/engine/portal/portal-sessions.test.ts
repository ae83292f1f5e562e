// Portal sessions on the real store: from their creation to each of the ways in which they end.
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { generatePortalToken, type NewPortalSession } from "../../core/access/portal-session.ts";
import { customerScope } from "../../core/access/principal.ts";
import type { LiveSignal } from "../../core/live.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { LiveSubscription } from "../live-calls.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const HOUR_MS = 3_600_000;
const ALL = { limit: 1_000, cursor: null };

function input(changes: Partial<NewPortalSession> = {}): NewPortalSession {
	const none = { keyId: null, actor: null, returnUrl: null, theme: null, locale: null };
	return { ...none, customerId: "acme", capabilities: ["replay"], expiresInMs: HOUR_MS, ...changes };
}

function make({ engine, change }: TestEngine, changes: Partial<NewPortalSession> = {}) {
	return engine.portalSessions.create(change, input(changes));
}

/** Opens a stream with a token. */
function watch({ engine }: TestEngine, token: string): LiveSubscription {
	const principal = engine.portalSessions.authenticate(token);
	if (principal === null) throw new Error("the token is not valid");
	const scope = customerScope(principal.projectId, principal.customerId);
	const filter = { kinds: null, webhookId: null, eventTypes: null, customerId: null };
	return engine.live.subscribe({ kind: "api", scope, principal, filter, lastEventId: null, abandon: () => {} });
}

/** Reads a stream to its end, and returns the reason for it. */
async function reasonOfEnd(stream: LiveSubscription): Promise<string> {
	let last: LiveSignal | undefined;
	for (let signals = await stream.next(); signals !== null; signals = await stream.next()) last = signals.at(-1);
	return last?.type === "end" ? last.reason : "there was no reason";
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
		expect(await portalSessions.get(test.scope, session.id)).toEqual({
			...session,
			digest: new Uint8Array(session.digest),
		});
		await portalSessions.revoke(test.change, session.id);
		expect(portalSessions.authenticate(token)).toBeNull();
		expect(await ids(test)).toEqual([other.session.id]);
		for (const call of [
			portalSessions.get(test.scope, session.id),
			portalSessions.revoke(test.change, session.id),
			portalSessions.revoke(test.change, "portal_1"),
		]) {
			await expect(call).rejects.toMatchObject({ code: "portal_session_not_found" });
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

	it("ends at its time, to the millisecond", async () => {
		await using test = await openTestEngine();
		const { portalSessions } = test.engine;
		const { session, token } = await make(test);
		test.clock.advance(HOUR_MS - 1);
		expect(portalSessions.authenticate(token)).not.toBeNull();
		test.clock.advance(1);
		expect(portalSessions.authenticate(token)).toBeNull();
		expect(await ids(test)).toEqual([]);
		await expect(portalSessions.get(test.scope, session.id)).rejects.toMatchObject({
			code: "portal_session_not_found",
		});
	});

	it("ends with its project, and not with the key that made it", async () => {
		await using test = await openTestEngine();
		const { keys, portalSessions, projects } = test.engine;
		const { key } = await keys.create({ name: "k", scope: "write", projectId: test.projectId }, null);
		const { token } = await make(test, { keyId: key.id });
		await keys.delete(key.id, null);
		expect(portalSessions.authenticate(token)).not.toBeNull();
		await projects.delete(test.change);
		expect(portalSessions.authenticate(token)).toBeNull();
		await expect(make(test)).rejects.toMatchObject({ code: "project_not_found" });
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
		expect(await portalSessions.revokeAll(test.change, { customerId: "acme", keyId: null })).toBe(1);
		expect(await portalSessions.revokeAll(test.change, { customerId: null, keyId: key })).toBe(1);
		expect(valid()).toEqual([false, false, false, true]);
		expect(await portalSessions.revokeAll(test.change, { customerId: "nobody", keyId: null })).toBe(0);
		expect(portalSessions.authenticate(foreign.token)).not.toBeNull();
	});

	it("is not left behind by the revocation of all of its customer, however they meet", async () => {
		await using test = await openTestEngine();
		const { portalSessions } = test.engine;
		const making = Array.from({ length: 20 }, () => make(test));
		const revoking = portalSessions.revokeAll(test.change, { customerId: "acme", keyId: null });
		const later = make(test);
		const made = await Promise.all(making);
		expect(await revoking).toBe(20);
		expect(made.map(({ token }) => portalSessions.authenticate(token))).toEqual(made.map(() => null));
		expect(portalSessions.authenticate((await later).token)).not.toBeNull();
	});

	it("is there only once it is stored, and until the store has deleted it", async () => {
		const real = await openSqliteStore({ path: ":memory:" });
		let full = true;
		const fault = () => {
			if (full) throw new StoreError("store_full", "no space");
		};
		await using test = await openTestEngine({
			store: {
				...real,
				insertPortalSession: async (...parameters) => (fault(), real.insertPortalSession(...parameters)),
				deletePortalSessions: async (...parameters) => (fault(), real.deletePortalSessions(...parameters)),
			},
		});
		const { portalSessions } = test.engine;
		await expect(make(test)).rejects.toMatchObject({ code: "store_full" });
		expect(await portalSessions.revokeAll(test.change, { customerId: "acme", keyId: null })).toBe(0);
		full = false;
		const { session, token } = await make(test);
		full = true;
		await expect(portalSessions.revoke(test.change, session.id)).rejects.toMatchObject({ code: "store_full" });
		expect(portalSessions.authenticate(token)).not.toBeNull();
		await test.stop();
		await real.close();
	});

	it("is refused in the scope of a customer", async () => {
		await using test = await openTestEngine();
		const { portalSessions } = test.engine;
		const change = { scope: customerScope(test.projectId, "acme"), audit: null };
		const { session } = await make(test);
		for (const call of [
			portalSessions.create(change, input()),
			portalSessions.revoke(change, session.id),
			portalSessions.revokeAll(change, { customerId: "acme", keyId: null }),
		]) {
			await expect(call).rejects.toMatchObject({ code: "insufficient_scope" });
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
		const valid = [long!, short!, middle!, foreign, newest].map(
			({ token }) => portalSessions.authenticate(token) !== null,
		);
		expect(valid).toEqual([true, false, true, true, true]);
		expect(await reasonOfEnd(stream)).toBe("the portal session was ended");
		expect(await ids(test)).toHaveLength(4);
	});

	it("holds for many that are made at once", async () => {
		await using test = await openTestEngine({ limits: { maxPortalSessionsPerCustomer: 3 } });
		const made = await Promise.all(Array.from({ length: 10 }, () => make(test)));
		const valid = made.filter(({ token }) => test.engine.portalSessions.authenticate(token) !== null);
		expect([valid.length, (await ids(test)).length]).toEqual([3, 3]);
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
	it.each<[string, string, (test: TestEngine, id: string) => Promise<unknown>]>([
		[
			"is revoked",
			"the portal session was ended",
			({ engine, change }, id) => engine.portalSessions.revoke(change, id),
		],
		[
			"is revoked with the others of its customer",
			"the portal session was ended",
			({ engine, change }) => engine.portalSessions.revokeAll(change, { customerId: "acme", keyId: null }),
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

	it("ends within half a minute if the clock is set beyond the session's end", async () => {
		await using test = await openTestEngine();
		const { token } = await make(test);
		const stream = watch(test, token);
		await stream.next();
		const ending = reasonOfEnd(stream);
		test.clock.step(2 * HOUR_MS);
		test.clock.advance(30_000);
		expect(await ending).toBe("the access of its caller has ended");
	});
});
