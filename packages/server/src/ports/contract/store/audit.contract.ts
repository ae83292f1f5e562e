// The contract of the audit slice: entries, their filters, and how long they stay.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import type { AuditEntry } from "../../../core/access/audit.ts";
import type { AuditFilter } from "../../store/audit.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_ENTRY, fillStore, idsOf, NEWEST } from "./records/records.ts";

export function describeAudit(current: CurrentStore): void {
	it("stores all fields of an entry, and lists entries newest first", async () => {
		const { store, projectId, records } = await fillStore(current());
		const keyId = records.ids.make("key", records.now);
		const first = records.entry({ keyId, projectId });
		records.now += 1;
		const second = records.entry({ fields: [], requestId: null, objectId: "user.created" });
		for (const each of [first, second]) await store.insertAuditEntry(each);
		expect((await store.auditEntries(ANY_ENTRY, NEWEST)).rows).toEqual([second, first]);
		await expect(store.insertAuditEntry(first)).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("finds entries by any combination of filters, page by page", async () => {
		const { store, records } = await fillStore(current());
		const keys = [records.ids.make("key", 1), records.ids.make("key", 2), null];
		const projects = [records.project().id, records.project().id, null];
		const start = records.now;
		const all: AuditEntry[] = [];
		for (let n = 0; n < 60; n++, records.now += 10) {
			const [keyId = null, projectId = null] = [keys[n % 3], projects[(n >> 1) % 3]];
			const [action, objectId] = [`a.${n % 4}`, `webhook_${(n >> 2) % 5}`];
			all.unshift(records.entry({ keyId, projectId, action, objectId }));
			await store.insertAuditEntry(all[0] ?? records.entry());
		}
		const orNull = <T>(values: readonly T[]) => fc.constantFrom(null, ...values);
		const filters = fc.record({
			keyId: orNull(keys),
			projectId: orNull(projects),
			objectId: orNull(["webhook_0", "webhook_3", "webhook_9"]),
			action: orNull(["a.0", "a.3"]),
			after: orNull([start + 100]),
			before: orNull([start + 400]),
		});
		await fc.assert(
			fc.asyncProperty(filters, async (filter) => {
				const expected = all.filter((each) => matches(each, filter)).map(({ id }) => id);
				const page = await store.auditEntries(filter, { limit: 7, cursor: null });
				expect([idsOf(page), page.hasOlder]).toEqual([expected.slice(0, 7), expected.length > 7]);
				const cursor = { direction: "older", id: expected[6] ?? "" } as const;
				if (!page.hasOlder) return;
				expect(idsOf(await store.auditEntries(filter, { limit: 7, cursor }))).toEqual(expected.slice(7, 14));
			}),
			{ numRuns: 100 },
		);
	});

	it("deletes entries that are older than a time, oldest first and no more than asked for", async () => {
		const { store, projectId, records } = await fillStore(current());
		const entries: AuditEntry[] = [];
		for (let n = 0; n < 6; n++, records.now += 1_000) {
			entries.unshift(records.entry({ projectId: n % 2 === 0 ? projectId : null, objectId: `webhook_${n}` }));
			await store.insertAuditEntry(entries[0] ?? records.entry());
		}
		const left = async () => (await store.auditEntries(ANY_ENTRY, NEWEST)).rows;
		const before = entries[1]?.at ?? NaN;
		expect(await store.purgeAuditEntries(before, 3)).toBe(3);
		expect(await left()).toEqual(entries.slice(0, 3));
		expect(await store.purgeAuditEntries(before, 3)).toBe(1);
		expect(await store.purgeAuditEntries(before, 3)).toBe(0);
		expect(await left()).toEqual(entries.slice(0, 2));
		expect((await store.auditEntries({ ...ANY_ENTRY, projectId }, NEWEST)).rows).toEqual([entries[1]]);
	});

	it("keeps entries after their project and their key are gone", async () => {
		const { store, projectId, records } = await fillStore(current());
		const key = records.key("admin", projectId);
		await store.insertKey(key, null);
		await store.insertAuditEntry(records.entry({ keyId: key.id, projectId }));
		await store.deleteProject(projectId, records.now, null);
		while (!(await store.purgeDeletedProjects(100)).done);
		expect((await store.auditEntries({ ...ANY_ENTRY, projectId }, NEWEST)).rows).toHaveLength(1);
	});

	it("names the keys, webhooks and projects of the entries of a page, deleted webhooks too, as they are called now", async () => {
		const { store, projectId, records } = await fillStore(current());
		const [kept, revoked] = [records.key("write", projectId), records.key("write", projectId)];
		for (const key of [kept, revoked]) await store.insertKey({ ...key, name: `Key ${key.id.slice(-4)}` }, null);
		const webhook = records.webhook(projectId, { name: "Billing" });
		const revision = Number(await store.insertWebhook(webhook, null));
		const objectIds = [webhook.id, kept.id, projectId, "order.paid", "webhook_", records.ids.make("evt", records.now)];
		for (const objectId of objectIds) {
			await store.insertAuditEntry(records.entry({ keyId: revoked.id, projectId, objectId }));
		}
		const deleted = { ...webhook, name: "Billing of 2024", revision, deleteDate: records.now };
		expect(await store.updateWebhook(deleted, { expected: revision, entry: null })).toEqual(expect.any(Number));
		await store.deleteKey(revoked.id, null);
		const { names } = await store.auditEntries({ ...ANY_ENTRY, projectId }, NEWEST);
		const project = (await store.projects()).find(({ id }) => id === projectId);
		expect(new Map(names)).toEqual(
			new Map([
				[webhook.id, "Billing of 2024"],
				[kept.id, `Key ${kept.id.slice(-4)}`],
				[projectId, project?.name],
			]),
		);
	});
}

function matches(each: AuditEntry, filter: AuditFilter): boolean {
	const { keyId, projectId, objectId, action, after, before } = filter;
	if ((after !== null && each.at < after) || (before !== null && each.at >= before)) return false;
	const same = (wanted: string | null, has: string | null) => wanted === null || wanted === has;
	return (
		same(keyId, each.keyId) &&
		same(projectId, each.projectId) &&
		same(objectId, each.objectId) &&
		same(action, each.action)
	);
}
