// The contract of the audit slice: entries, their filters, and how long they stay.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { AUDIT_ACTIONS, type AuditEntry } from "../../../core/access/audit.ts";
import type { AuditFilter } from "../../store/audit.ts";
import type { CurrentStore } from "./records/records.ts";
import { addWebhook, ANY_ENTRY, changeWebhook, fillStore, idsOf, NEWEST } from "./records/records.ts";

export function describeAudit(current: CurrentStore): void {
	it("stores all fields of entries, and finds them by any combination of filters, newest first, page by page", async () => {
		const { store, records } = await fillStore(current());
		const keys = [records.ids.make("key", 1), records.ids.make("key", 2), null];
		const projects = [records.project().id, records.project().id, null];
		const start = records.now;
		const all: AuditEntry[] = [];
		for (let n = 0; n < 60; n++, records.now += 10) {
			const [keyId = null, projectId = null] = [keys[n % 3], projects[(n >> 1) % 3]];
			const [action, objectId] = [`a.${n % 4}`, `webhook_${(n >> 2) % 5}`];
			all.unshift(
				records.entry({ keyId, projectId, action, objectId, ...(n % 2 === 0 && { fields: [], requestId: null }) }),
			);
			await store.insertAuditEntry(all[0]!);
		}
		expect((await store.auditEntries(ANY_ENTRY, NEWEST)).rows).toEqual(all);
		await expect(store.insertAuditEntry(all[0]!)).rejects.toMatchObject({ code: "store_conflict" });
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
			{ numRuns: runs(50) },
		);
	});

	it("deletes entries that are older than a time, oldest first and no more than asked for", async () => {
		const { store, projectId, records } = await fillStore(current());
		const entries: AuditEntry[] = [];
		for (let n = 0; n < 6; n++, records.now += 1_000) {
			entries.unshift(records.entry({ projectId: n % 2 === 0 ? projectId : null, objectId: `webhook_${n}` }));
			await store.insertAuditEntry(entries[0]!);
		}
		const left = async () => (await store.auditEntries(ANY_ENTRY, NEWEST)).rows;
		const before = entries[1]?.at ?? NaN;
		expect(await store.purgeAuditEntries(before, 3)).toBe(3);
		expect(await left()).toEqual(entries.slice(0, 3));
		expect(await store.purgeAuditEntries(before, 3)).toBe(1);
		expect(await store.purgeAuditEntries(before, 3)).toBe(0);
		expect(await left()).toEqual(entries.slice(0, 2));
		// They stay when their project is gone.
		await store.deleteProject(projectId, records.now, null);
		while (!(await store.purgeDeletedProjects(null, 100)).done);
		expect((await store.auditEntries({ ...ANY_ENTRY, projectId }, NEWEST)).rows).toEqual([entries[1]]);
	});

	it("names the keys, webhooks and projects of the entries of a page as they are called now, and what is deleted as it was called last", async () => {
		const { store, projectId, records } = await fillStore(current());
		const [kept, revoked] = [records.key("write", projectId), records.key("write", projectId)];
		const nameOf = (keyId: string) => `Key ${keyId.slice(-4)}`;
		for (const key of [kept, revoked]) {
			const revision = Number(await store.insertKey({ ...key, name: "Key of 2023" }, null));
			await store.updateKey({ ...key, name: nameOf(key.id), revision }, { expected: revision, entry: null });
		}
		const webhook = await addWebhook(store, records.webhook(projectId, { name: "Billing" }));
		const objects = [
			["webhook.update", webhook.id],
			["relay.put", webhook.id],
			["customer.pause", webhook.id],
			["key.update", kept.id],
			["session.delete", kept.id],
			["portal_session.revoke_many", kept.id],
			["key.delete", revoked.id],
			["project.update", projectId],
			["delivery.retry_many", projectId],
			["event_type.put", "order.paid"],
			["webhook.update", "webhook_"],
			["event.erase", records.ids.make("evt", records.now)],
		] as const;
		const entries = objects.map(([action, objectId]) =>
			records.entry({ keyId: revoked.id, projectId, action, objectId }),
		);
		const other = records.entry({ keyId: kept.id, projectId, action: "event_type.put", objectId: "order.paid" });
		for (const entry of [...entries, other]) await store.insertAuditEntry(entry);
		await changeWebhook(store, webhook, { name: "Billing of 2024", deleteDate: records.now });
		await store.deleteKey(revoked.id, null);
		const { keyNames, objectNames } = await store.auditEntries({ ...ANY_ENTRY, projectId }, NEWEST);
		const [project] = await store.projects();
		const byId = [kept.id, revoked.id].map((id) => [id, nameOf(id)] as const);
		expect(new Map(keyNames)).toEqual(new Map(byId));
		const [billing, keyName, none] = ["Billing of 2024", nameOf(kept.id), undefined];
		const ofKeys = [keyName, keyName, keyName, nameOf(revoked.id)];
		const expected = [billing, billing, billing, ...ofKeys, project?.name, project?.name, none, none, none];
		expect(entries.map(({ id }) => objectNames.get(id))).toEqual(expected);
		expect(objectNames.size).toBe(9);
	});

	it("keeps the name of a key that was revoked, or has gone with its project, for as long as an entry names it", async () => {
		const { store, projectId, records, addProject } = await fillStore(current());
		const other = await addProject();
		const make = async (name: string, owner: string | null) => {
			const key = { ...records.key("write", owner), name };
			await store.insertKey(key, null);
			return key;
		};
		const [caller, object] = [await make("caller", projectId), await make("object", null)];
		const [gone, made] = [await make("gone", other.id), await make("made", other.id)];
		const unused = await make("unused", other.id);
		const entries = [
			records.entry({ keyId: caller.id, projectId }),
			records.entry({ keyId: gone.id, projectId: other.id }),
			records.entry({ keyId: null, projectId: other.id, action: "key.create", objectId: made.id }),
			records.entry({ keyId: caller.id, projectId: null, action: "key.create", objectId: object.id }),
		];
		for (const entry of entries) await store.insertAuditEntry(entry);
		records.now += 10_000;
		// In the transaction of the change.
		const revoking = records.entry({ keyId: null, projectId: null, action: "key.delete", objectId: object.id });
		await store.deleteKey(object.id, revoking);
		await store.deleteKey(caller.id, null);
		await store.deleteProject(other.id, records.now, null);
		while (await store.removeKeysOfDeleted(other.id, 2));
		const names = async () => {
			const { keyNames, objectNames } = await store.auditEntries(ANY_ENTRY, NEWEST);
			return { callers: [...keyNames.values()].toSorted(), objects: [...objectNames.values()] };
		};
		expect(await names()).toEqual({ callers: ["caller", "gone"], objects: ["object", "object", "made"] });
		// One entry about each is left, by which it still has its name.
		expect(await store.purgeAuditEntries(revoking.at, 3)).toBe(3);
		expect(await names()).toEqual({ callers: ["caller"], objects: ["object", "object"] });
		expect(await store.purgeAuditEntries(revoking.at, 3)).toBe(1);
		expect(await names()).toEqual({ callers: [], objects: ["object"] });
		// What no entry named any more is forgotten.
		const late = [caller, object, gone, made, unused].map(({ id }) => records.entry({ keyId: id, projectId: null }));
		for (const entry of late) await store.insertAuditEntry(entry);
		expect(await names()).toEqual({ callers: ["object"], objects: ["object"] });
	});

	it("keeps the name of a revoked key when an entry goes that has written its id in another way", async () => {
		const { store, records, projectId } = await fillStore(current());
		const key = { ...records.key("write", projectId), name: "revoked" };
		await store.insertKey(key, null);
		const of = { keyId: null, projectId, action: "key.delete" };
		const objectId = `key_${key.id.slice("key_".length).replaceAll("-", "")}`;
		await store.insertAuditEntry(records.entry({ ...of, objectId }));
		await store.deleteKey(key.id, records.entry({ ...of, objectId: key.id }));
		expect(await store.purgeAuditEntries(records.now + 60_000, 1)).toBe(1);
		const page = await store.auditEntries(ANY_ENTRY, NEWEST);
		expect(page.rows.map((entry) => entry.objectId)).toEqual([key.id]);
		expect([...page.objectNames.values()]).toEqual(["revoked"]);
	});

	it("names nothing of another project, whatever ids event types and customers have", async () => {
		const { store, projectId, records } = await fillStore(current());
		const other = { ...records.project(), name: "Other" };
		await store.insertProject(other, null);
		const webhook = records.webhook(other.id, { name: "Billing" });
		await store.insertWebhook(webhook, null);
		const deleted = await addWebhook(store, records.webhook(other.id, { name: "Deleted" }));
		await changeWebhook(store, deleted, { deleteDate: records.now });
		const ofOther = { ...records.key("write", other.id), name: "Key of another project" };
		const ofWorkspace = { ...records.key("admin"), name: "Key of the workspace" };
		for (const key of [ofOther, ofWorkspace]) await store.insertKey(key, null);
		const foreign = [webhook.id, deleted.id, ofOther.id, ofWorkspace.id, other.id];
		const actions = AUDIT_ACTIONS.flatMap((action) => foreign.map((objectId) => ({ action, objectId })));
		for (const each of actions) await store.insertAuditEntry(records.entry({ projectId, ...each }));
		const owners = [
			[other.id, "webhook.update", webhook.id, "Billing"],
			[other.id, "webhook.delete", deleted.id, "Deleted"],
			[other.id, "key.update", ofOther.id, "Key of another project"],
			[null, "key.update", ofWorkspace.id, "Key of the workspace"],
			[other.id, "project.update", other.id, "Other"],
		] as const;
		const expected = new Map<string, string>();
		for (const [owner, action, objectId, name] of owners) {
			const entry = records.entry({ projectId: owner, action, objectId });
			expected.set(entry.id, name);
			await store.insertAuditEntry(entry);
			await store.insertAuditEntry(records.entry({ projectId: owner, action: "event_type.put", objectId }));
		}
		const { rows, objectNames } = await store.auditEntries({ ...ANY_ENTRY, projectId }, NEWEST);
		expect([rows.length, new Map(objectNames)]).toEqual([actions.length, new Map()]);
		// The log of the workspace has them all in one page.
		expect(new Map((await store.auditEntries(ANY_ENTRY, NEWEST)).objectNames)).toEqual(expected);
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
