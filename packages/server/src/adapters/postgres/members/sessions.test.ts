// Sessions of the page, sign-in links and portal sessions in several processes: what one has begun is valid in all, what one has ended
// is refused by all, at once.
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import type { NewPortalSession } from "../../../core/access/portal-session.ts";
import { customerScope, wholeProject, type KeyPrincipal } from "../../../core/access/principal.ts";
import type { LiveSignal } from "../../../core/live.ts";
import type { Change } from "../../../engine/calls.ts";
import { changeIn } from "../../../engine/test/test-engine.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { TestProcess } from "../test/test-process.ts";

const WAIT = { interval: 20 };
const KEY = { name: "k", scope: "admin", projectId: null } as const;
const PORTAL: NewPortalSession = {
	customerId: "acme",
	keyId: null,
	capabilities: ["webhooks.write"],
	actor: null,
	returnUrl: null,
	theme: null,
	locale: null,
	expiresInMs: 3_600_000,
};

describeOnPostgres("sessions of several processes", (database) => {
	let a: TestProcess;
	let b: TestProcess;
	/** The change of each test, in a project of its own. */
	let change: Change;
	beforeAll(async () => {
		await database.openEmpty();
		[a, b] = await Promise.all([TestProcess.start(database.url), TestProcess.start(database.url)]);
	});
	beforeEach(async () => {
		change = changeIn((await a.engine.projects.create("p", null)).id);
	});
	afterAll(() => Promise.all([a, b].map((each) => each[Symbol.asyncDispose]())));

	/** Who is signed in with this token at a process, as a request finds out. */
	const principalAt = async ({ engine }: TestProcess, token: string): Promise<KeyPrincipal | null> => {
		const known = engine.sessions.authenticate(token);
		if (known !== null) return known;
		await engine.sessions.catchUp();
		return engine.sessions.authenticate(token);
	};
	const isPortalValid = async ({ engine }: TestProcess, token: string): Promise<boolean> => {
		if (engine.portalSessions.authenticate(token) !== null) return true;
		await engine.sessions.catchUp();
		return engine.portalSessions.authenticate(token) !== null;
	};
	const signIn = async ({ engine }: TestProcess, proof: { key: string } | { link: string }): Promise<string> =>
		(await engine.sessions.signIn(engine.sessions.prove(proof), null)).token;
	const openPortal = async (by: TestProcess, changes: Partial<NewPortalSession> = {}) =>
		by.engine.portalSessions.create(change, { ...PORTAL, ...changes });
	const lastOf = async (stream: { next(): Promise<readonly LiveSignal[] | null> }): Promise<LiveSignal | undefined> => {
		let last: LiveSignal | undefined;
		for (let read = await stream.next(); read !== null; read = await stream.next()) last = read.at(-1) ?? last;
		return last;
	};

	it("begin in one for all: the next request of each knows them", async () => {
		const { secretKey } = await a.engine.keys.create(KEY, null);
		for (const [one, other] of [
			[a, b],
			[b, a],
		] as const) {
			const token = await signIn(one, { key: secretKey });
			expect(await principalAt(other, token)).toMatchObject({ kind: "key" });
			const portal = await openPortal(one);
			expect(await isPortalValid(other, portal.token)).toBe(true);
			const { id } = portal.session;
			expect(await other.engine.portalSessions.get(change.scope, id)).toMatchObject({ id });
		}
	});

	it("end in one for all when the call is answered, with what was opened in them", async () => {
		const { secretKey } = await a.engine.keys.create(KEY, null);
		const token = await signIn(a, { key: secretKey });
		const principal = await principalAt(b, token);
		const rest = {
			kind: "api",
			filter: { kinds: null, customerId: null, webhookId: null, eventTypes: null },
			lastEventId: null,
			abandon: () => {},
		} as const;
		const stream = b.engine.live.subscribe({ ...rest, scope: change.scope, principal });
		await a.engine.sessions.signOut(a.engine.sessions.authenticate(token)!, false, null);
		expect(b.engine.sessions.authenticate(token)).toBeNull();
		expect(await lastOf(stream)).toMatchObject({ type: "end", reason: "the session was ended" });
		const portal = await openPortal(a);
		expect(await isPortalValid(b, portal.token)).toBe(true);
		const ofCustomer = b.engine.live.subscribe({
			...rest,
			scope: customerScope(wholeProject(change.scope), "acme"),
			principal: b.engine.portalSessions.authenticate(portal.token),
		});
		await a.engine.portalSessions.revoke(change, portal.session.id);
		expect(b.engine.portalSessions.authenticate(portal.token)).toBeNull();
		expect(await lastOf(ofCustomer)).toMatchObject({ type: "end", reason: "the portal session was ended" });
	});

	it("end in all when a process ends those that others have just begun", async () => {
		const { secretKey } = await a.engine.keys.create(KEY, null);
		const tokens = [await signIn(a, { key: secretKey }), await signIn(b, { key: secretKey })];
		const principal = await principalAt(b, tokens[0]!);
		expect(await b.engine.sessions.signOut(principal!, true, null)).toBe(2);
		for (const token of tokens) {
			for (const each of [a, b]) expect(await principalAt(each, token)).toBeNull();
		}
		const portals = [await openPortal(a), await openPortal(b, { customerId: "globex" })];
		const which = { customerId: null, keyId: null };
		expect(await b.engine.portalSessions.revokeAll(change, which)).toBe(2);
		for (const { token } of portals) {
			for (const each of [a, b]) expect(each.engine.portalSessions.authenticate(token)).toBeNull();
		}
	});

	it("end in all with their key, with a roll that ends its secret key, and with their project", async () => {
		const { key, secretKey } = await a.engine.keys.create(KEY, null);
		const token = await signIn(a, { key: secretKey });
		expect(await principalAt(b, token)).not.toBeNull();
		await b.engine.keys.roll(key.id, 0, null);
		expect(a.engine.sessions.authenticate(token)).toBeNull();
		const other = await b.engine.keys.create(KEY, null);
		const second = await signIn(b, { key: other.secretKey });
		expect(await principalAt(a, second)).not.toBeNull();
		await b.engine.keys.delete(other.key.id, null);
		expect(a.engine.sessions.authenticate(second)).toBeNull();
		const portal = await openPortal(a);
		expect(await isPortalValid(b, portal.token)).toBe(true);
		await a.engine.projects.delete(change);
		expect(b.engine.portalSessions.authenticate(portal.token)).toBeNull();
	});

	it("end in all with the deletion of their customer, and can't begin in any meanwhile", async () => {
		const { token } = await openPortal(a);
		expect(await isPortalValid(b, token)).toBe(true);
		const scope = customerScope(wholeProject(change.scope), "acme");
		await a.engine.customers.update({ scope, audit: null }, { name: "Acme" });
		// As if another process had begun the deletion, and this one had not heard of it.
		const began = await b.store.beginCustomerDeletion(scope, { at: Date.now(), draft: null, entry: null });
		expect(began?.version).not.toBeNull();
		await expect(openPortal(b)).rejects.toMatchObject({ code: "customer_being_deleted" });
		await a.engine.customers.delete({ scope, audit: null });
		await expect.poll(() => b.engine.portalSessions.authenticate(token), WAIT).toBeNull();
	});

	it("use each sign-in link once, whoever made it and wherever it is opened", async () => {
		const { key } = await a.engine.keys.create(KEY, null);
		const { token: link } = await a.engine.sessions.createLinkOf(key.id, null);
		await b.engine.sessions.catchUp();
		const proofs = [a, b].map((each) => each.engine.sessions.prove({ link }));
		const results = await Promise.allSettled([
			a.engine.sessions.signIn(proofs[0]!, null),
			b.engine.sessions.signIn(proofs[1]!, null),
		]);
		expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		for (const each of [a, b]) {
			await each.engine.sessions.catchUp();
			expect(() => each.engine.sessions.prove({ link })).toThrow(
				expect.objectContaining({ code: "unknown_sign_in_link" }),
			);
		}
	});

	it("are counted in all for the limit of a key and of a customer", async () => {
		const { secretKey } = await a.engine.keys.create(KEY, null);
		await using c = await TestProcess.start(database.url, { maxPortalSessionsPerCustomer: 2 });
		const first = await openPortal(a, { expiresInMs: 60_000 });
		await openPortal(b);
		await openPortal(c);
		await a.engine.sessions.catchUp();
		expect(a.engine.portalSessions.authenticate(first.token)).toBeNull();
		expect(await principalAt(c, await signIn(a, { key: secretKey }))).not.toBeNull();
	});

	it("outlive the process that has begun them, and are known to one that starts later", async () => {
		const { secretKey } = await a.engine.keys.create(KEY, null);
		await using beginner = await TestProcess.start(database.url);
		const [token, ended] = [await signIn(beginner, { key: secretKey }), await signIn(beginner, { key: secretKey })];
		const portal = await openPortal(beginner);
		await b.engine.sessions.signOut((await principalAt(b, ended))!, false, null);
		await beginner.stop();
		await using later = await TestProcess.start(database.url);
		expect(later.engine.sessions.authenticate(token)).not.toBeNull();
		expect(later.engine.sessions.authenticate(ended)).toBeNull();
		expect(later.engine.portalSessions.authenticate(portal.token)).not.toBeNull();
		expect(await principalAt(b, token)).not.toBeNull();
	});

	it("are refused by a process that stood still while they were ended, when it goes on", async () => {
		const { secretKey } = await a.engine.keys.create(KEY, null);
		const token = await signIn(a, { key: secretKey });
		expect(await principalAt(b, token)).not.toBeNull();
		b.freeze();
		await a.engine.sessions.signOut(a.engine.sessions.authenticate(token)!, false, null);
		expect(b.member.isMember()).toBe(false);
		b.resume();
		await expect.poll(() => b.member.isMember(), WAIT).toBe(true);
		expect(b.engine.sessions.authenticate(token)).toBeNull();
	});
});
