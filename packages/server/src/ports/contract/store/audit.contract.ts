// The contract of the audit slice: entries, their filters, and how long they stay.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import type { AuditEntry } from "../../../core/audit.ts";
import type { AuditFilter } from "../../store/audit.ts";
import type { CurrentStore } from "./records/records.ts";
import { fillStore, idsOf, NEWEST, type Records } from "./records/records.ts";

const EVERYTHING: AuditFilter = {
	keyId: null,
	projectId: null,
	objectId: null,
	action: null,
	after: null,
	before: null,
};

function entry(records: Records, changes: Partial<AuditEntry> = {}): AuditEntry {
	return {
		id: records.ids.make("aud", records.now),
		at: records.now,
		keyId: null,
		projectId: null,
		action: "webhook.update",
		objectId: "webhook_1",
		fields: ["name", "spec.endpoint"],
		requestId: "req_1",
		...changes,
	};
}

export function describeAudit(current: CurrentStore): void {
	it("stores all fields of an entry, amends and deletes entries, and lists them newest first", async () => {
		const { store, projectId, records } = await fillStore(current());
		const keyId = records.ids.make("key", records.now);
		const first = entry(records, { keyId, projectId });
		records.now += 1;
		const second = entry(records, { fields: [], requestId: null, objectId: "user.created" });
		for (const each of [first, second]) await store.insertAuditEntry(each);
		expect((await store.auditEntries(EVERYTHING, NEWEST)).rows).toEqual([second, first]);
		await store.amendAuditEntry(first.id, { objectId: "webhook_later", projectId: second.projectId });
		await store.deleteAuditEntry(second.id);
		const amended = { ...first, objectId: "webhook_later", projectId: second.projectId };
		expect((await store.auditEntries(EVERYTHING, NEWEST)).rows).toEqual([amended]);
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
			all.unshift(entry(records, { keyId, projectId, action, objectId }));
			await store.insertAuditEntry(all[0] ?? entry(records));
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

	it("keeps entries after their project and their key are gone", async () => {
		const { store, projectId, records } = await fillStore(current());
		const key = records.key("admin", projectId);
		await store.insertKey(key);
		await store.insertAuditEntry(entry(records, { keyId: key.id, projectId }));
		await store.deleteProject(projectId, records.now);
		while (!(await store.purgeDeletedProjects(100)).done);
		expect((await store.auditEntries({ ...EVERYTHING, projectId }, NEWEST)).rows).toHaveLength(1);
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
