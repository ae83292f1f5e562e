// The contract of portal sessions: what is stored of them, their lists, and their end.
import { expect, it } from "vitest";

import type { PortalSession } from "../../../core/access/portal-session.ts";
import { customerScope, projectScope } from "../../../core/access/principal.ts";
import type { PageRequest } from "../../../core/page.ts";
import { portalSession } from "./records/portal-sessions.ts";
import { fillStore, idsOf, NEWEST, type CurrentStore, type Reopen } from "./records/records.ts";

const NO_ENTRY = { replaces: [], entry: null };

async function world(current: CurrentStore) {
	const filled = await fillStore(current(), 0);
	const { store, records, projectId } = filled;
	const add = async (changes: Partial<PortalSession> = {}): Promise<PortalSession> => {
		const session = portalSession(records, projectId, changes);
		await store.insertPortalSession(session, NO_ENTRY);
		return session;
	};
	return { ...filled, add };
}

/** `reopen` is null if the data of the store ends with it. */
export function describePortalSessions(current: CurrentStore, reopen: Reopen | null): void {
	it("stores all fields of sessions, also across a restart, and finds them only in their project and for their customer", async () => {
		const { scope, projectId, records, add } = await world(current);
		const none = { keyId: null, actor: null, returnUrl: null, theme: null, locale: null, capabilities: [] };
		const made = [await add(), await add(none), await add({ expireDate: records.now - 1 })];
		for (const session of made) expect(await current().portalSession(scope, session.id)).toEqual(session);
		await reopen?.();
		const store = current();
		for (const session of made) expect(await store.portalSession(scope, session.id)).toEqual(session);
		const [{ id } = { id: "" }] = made;
		expect(await store.portalSession(customerScope(projectId, "acme"), id)).toMatchObject({ id });
		expect(await store.portalSession(customerScope(projectId, "globex"), id)).toBeNull();
		expect(await store.portalSession(projectScope(records.project().id), id)).toBeNull();
		for (const unknown of [records.ids.make("portal", records.now), "portal_1", "", `key_${id.slice(7)}`]) {
			expect(await store.portalSession(scope, unknown)).toBeNull();
		}
	});

	it("lists those that are valid, newest first, of a project or of one of its customers, in both directions", async () => {
		const { store, scope, projectId, records, add, addProject } = await world(current);
		const other = await addProject();
		await add({ projectId: other.id });
		const all: PortalSession[] = [];
		for (let n = 0; n < 12; n++, records.now += 10) {
			all.unshift(await add({ customerId: n % 3 === 0 ? "globex" : "acme", expireDate: records.now + 100 + (n % 2) }));
		}
		const scopes = [scope, customerScope(projectId, "acme"), customerScope(projectId, "nobody")];
		for (const at of [records.now, records.now + 60, records.now + 1_000]) {
			for (const each of scopes) {
				const customerId = each.kind === "customer" ? each.customerId : null;
				const ofScope = all.filter((session) => customerId === null || session.customerId === customerId);
				const valid = ofScope.filter(({ expireDate }) => at < expireDate);
				expect((await store.portalSessions(each, at, NEWEST)).rows).toEqual(valid);
				const ids = valid.map(({ id }) => id);
				const [third = ""] = ids.slice(2);
				if (third === "") continue;
				const page = (request: PageRequest) => store.portalSessions(each, at, request);
				const older = await page({ limit: 2, cursor: { direction: "older", id: third } });
				expect([idsOf(older), older.hasNewer, older.hasOlder]).toEqual([ids.slice(3, 5), true, ids.length > 5]);
				const newer = await page({ limit: 2, cursor: { direction: "newer", id: third } });
				expect([idsOf(newer), newer.hasNewer, newer.hasOlder]).toEqual([ids.slice(0, 2), false, true]);
			}
		}
	});

	it("reads all sessions of all projects in the order of their ids, page by page, those of deleted ones too", async () => {
		const { store, records, add, addProject } = await world(current);
		const other = await addProject();
		const ids: string[] = [];
		for (let n = 0; n < 7; n++) ids.push((await add(n % 2 === 0 ? {} : { projectId: other.id })).id);
		await store.deleteProject(other.id, records.now, null);
		const read: string[] = [];
		for (let after: string | null = null; ;) {
			const page: readonly PortalSession[] = await store.allPortalSessions(after, 3);
			read.push(...page.map(({ id }) => id));
			after = page.at(-1)?.id ?? null;
			if (page.length < 3) break;
		}
		expect(read).toEqual(ids);
	});

	it("refuses those of a customer that is being deleted, and of no other", async () => {
		const { store, projectId, records, add } = await world(current);
		const scope = customerScope(projectId, "acme");
		await store.updateCustomer(scope, { name: "Acme" }, { at: records.now, entry: null });
		await store.beginCustomerDeletion(scope, { at: records.now, draft: null, entry: null });
		await expect(add()).rejects.toMatchObject({ code: "store_conflict" });
		const { id } = await add({ customerId: "globex" });
		expect((await store.allPortalSessions(null, 10)).map((session) => session.id)).toEqual([id]);
	});

	it("purges sessions that have expired, the oldest first and only so many at once, and leaves the others", async () => {
		const { store, records, add } = await world(current);
		const now = records.now;
		for (const expireDate of [now + 1, now, now - 2, now - 1]) await add({ expireDate });
		const left = async () => (await store.allPortalSessions(null, 10)).map(({ expireDate }) => expireDate - now);
		expect(await store.purgePortalSessions(now, 2)).toBe(2);
		expect(await left()).toEqual([1, 0]);
		expect(await store.purgePortalSessions(now, 2)).toBe(1);
		expect(await store.purgePortalSessions(now, 2)).toBe(0);
		expect(await left()).toEqual([1]);
	});
}
