// The contract of the directory slice: projects, keys and webhooks; event types have a file of their own.
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { newHeldDelivery } from "../../../core/delivery.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import { describeEventTypes } from "./event-types.contract.ts";
import type { CurrentStore } from "./records/records.ts";
import { addWebhook, changeWebhook, fillStore, idsOf, NEWEST } from "./records/records.ts";
import { ANY_WEBHOOK, allWebhooks } from "./records/webhooks.ts";

export function describeDirectory(current: CurrentStore): void {
	describeProjects(current);
	describeKeys(current);
	describeWebhooks(current);
	describeDeletedWebhooks(current);
	describe("event types", () => {
		describeEventTypes(current);
	});
}

function describeProjects(current: CurrentStore): void {
	it("lists projects oldest first, with changed names", async () => {
		const { store, projectId, records } = await fillStore(current());
		records.now += 1;
		const second = records.project("Second");
		await store.insertProject(second, null);
		await store.updateProject({ ...second, name: "Renamed" }, { expected: second.revision, entry: null });
		expect((await store.projects()).map(({ id, name }) => [id, name])).toEqual([
			[projectId, "Project"],
			[second.id, "Renamed"],
		]);
	});

	it("deletes a project with its keys and webhooks, and nothing of other projects", async () => {
		const { store, projectId, webhookId, records } = await fillStore(current());
		const other = records.project();
		await store.insertProject(other, null);
		const [hook, key] = [records.webhook(other.id), records.key("write", other.id)];
		await store.insertWebhook(hook, null);
		await store.insertKey(key, null);
		expect(await store.deleteProject(other.id, records.now, null)).toBe(3);
		expect(await store.deleteProject(other.id, records.now, null)).toBeNull();
		expect((await store.projects()).map(({ id }) => id)).toEqual([projectId]);
		expect((await store.keys()).map(({ id }) => id)).not.toContain(key.id);
		expect((await allWebhooks(store)).map(({ id }) => id)).toEqual([webhookId]);
		expect((await store.webhooks(projectScope(other.id), ANY_WEBHOOK, NEWEST)).rows).toEqual([]);
	});
}

function describeKeys(current: CurrentStore): void {
	it("lists keys newest first", async () => {
		const { store, projectId, records } = await fillStore(current());
		const [older, newer] = [records.key("read", projectId), records.key("write")];
		const revision = await store.insertKey(older, null);
		await store.insertKey(newer, null);
		const keys = await store.keys();
		expect(keys.slice(0, 2).map(({ id }) => id)).toEqual([newer.id, older.id]);
		expect(keys[1]).toEqual({ ...older, digest: new Uint8Array(older.digest), revision });
	});

	it("stores all fields of a key, at first and in an update", async () => {
		const { store, projectId, records } = await fillStore(current());
		const older = [
			{ digest: Uint8Array.of(1, 2, 255), expireDate: records.now + 1 },
			{ digest: Uint8Array.of(0), expireDate: records.now + 2 },
		];
		const full = { ...records.key("read", projectId), olderSecrets: older, expireDate: records.now + 3 };
		const read = async () => (await store.keys()).find(({ id }) => id === full.id);
		const revision = Number(await store.insertKey(full, null));
		expect(await read()).toEqual({ ...full, digest: new Uint8Array(full.digest), revision });
		const changed = { ...full, name: "New", hint: "wxyz", digest: Uint8Array.of(7), olderSecrets: [] };
		const next = await store.updateKey(changed, { expected: revision, entry: null });
		expect(await read()).toEqual({ ...changed, revision: next });
	});

	it("keeps the last use of each key until the key is deleted", async () => {
		const { store, projectId, records } = await fillStore(current());
		const [one, two, ofProject] = [records.key("read"), records.key("read"), records.key("admin", projectId)];
		for (const key of [one, two, ofProject]) await store.insertKey(key, null);
		expect(await store.keyUses()).toEqual([]);
		const unknown = records.key();
		const uses = [one, two, ofProject, unknown].map(({ id }, n) => ({ keyId: id, at: records.now + n }));
		await store.noteKeyUses(uses);
		const read = async () => new Map((await store.keyUses()).map(({ keyId, at }) => [keyId, at - records.now]));
		expect(await read()).toEqual(new Map([one, two, ofProject].map(({ id }, n) => [id, n])));
		await store.noteKeyUses([
			{ keyId: two.id, at: records.now },
			{ keyId: one.id, at: records.now + 9 },
			{ keyId: one.id, at: records.now + 5 },
		]);
		const before = await store.directoryVersions();
		await store.noteKeyUses([]);
		expect(await store.directoryVersions()).toEqual(before);
		expect(await read()).toEqual(new Map([one, two, ofProject].map(({ id }, n) => [id, [9, 1, 2][n]])));
		await store.deleteKey(one.id, null);
		await store.deleteProject(projectId, records.now, null);
		expect(await read()).toEqual(new Map([[two.id, 1]]));
	});

	it("refuses the same key twice", async () => {
		const { store, records } = await fillStore(current());
		const key = records.key();
		await store.insertKey(key, null);
		const same = store.insertKey({ ...key, id: records.ids.make("key", records.now) }, null);
		await expect(same).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("deletes a key, unless it is the last that administers the whole workspace", async () => {
		const { store, projectId, records } = await fillStore(current());
		const [first] = await store.keys();
		const [ofProject, admin] = [records.key("admin", projectId), records.key()];
		await store.insertKey(ofProject, null);
		await store.insertKey(records.key("write"), null);
		expect(await store.deleteKey(first?.id ?? "", null)).toBe("last_admin");
		await store.insertKey(admin, null);
		expect(await store.deleteKey(first?.id ?? "", null)).toEqual(expect.any(Number));
		expect(await store.deleteKey(first?.id ?? "", null)).toBe("not_found");
		expect(await store.deleteKey(ofProject.id, null)).toEqual(expect.any(Number));
		expect(await store.deleteKey(admin.id, null)).toBe("last_admin");
	});

	it("counts no key that expires among those that administer the workspace", async () => {
		const { store, records } = await fillStore(current());
		const [first] = await store.keys();
		const expiring = { ...records.key("admin"), expireDate: records.now + 1_000_000_000 };
		await store.insertKey(expiring, null);
		expect(await store.deleteKey(first?.id ?? "", null)).toBe("last_admin");
		expect(await store.deleteKey(expiring.id, null)).toEqual(expect.any(Number));
	});
}

function describeWebhooks(current: CurrentStore): void {
	it("stores all fields of a webhook's record", async () => {
		const { store, projectId, scope, records } = await fillStore(current(), 0);
		const full = await addWebhook(store, records.webhook(projectId));
		const settings: Partial<WebhookRecord> = {
			description: null,
			eventTypes: null,
			metadata: {},
			headerNames: [],
			sealedHeaders: null,
			secrets: [],
			status: "Disabled",
			disabledReason: "The receiver responded with 410.",
		};
		const bare = await addWebhook(store, records.webhook(projectId, settings));
		expect(await allWebhooks(store)).toEqual([full, bare]);
		expect((await store.webhooks(scope, ANY_WEBHOOK, NEWEST)).rows).toEqual([bare, full].map(publicPart));
	});

	it("replaces a whole record, its secrets included", async () => {
		const { store, projectId, records } = await fillStore(current(), 0);
		const before = await addWebhook(store, records.webhook(projectId));
		const secret = { number: 2, sealed: Uint8Array.of(4), createDate: records.now, expireDate: null };
		const old = { number: 1, sealed: Uint8Array.of(1), createDate: records.now, expireDate: records.now + 5 };
		const after = await changeWebhook(store, before, { name: "New", status: "Paused", secrets: [secret, old] });
		expect(await allWebhooks(store)).toEqual([after]);
	});
}

function describeDeletedWebhooks(current: CurrentStore): void {
	it("lists no deleted webhook, but keeps its record while it has Pending or Held deliveries", async () => {
		const { store, scope, accept, update, records, webhookIds } = await fillStore(current(), 3);
		const [pendingHook = "", heldHook = "", idleHook = ""] = webhookIds;
		const [pending = ""] = await accept({ webhookIds: [pendingHook] });
		const [held = ""] = await accept({ webhookIds: [heldHook], state: newHeldDelivery("paused") });
		for (const record of await allWebhooks(store)) await changeWebhook(store, record, { deleteDate: records.now });
		const kept = async () => (await allWebhooks(store)).map(({ id }) => id);
		expect(idsOf(await store.webhooks(scope, ANY_WEBHOOK, NEWEST))).toEqual([]);
		expect(await kept()).toEqual([pendingHook, heldHook]);
		expect(await kept()).not.toContain(idleHook);
		await update(records.outcome(pending, 1));
		expect(await kept()).toEqual([heldHook]);
		await update({ deliveryId: held, change: { type: "cancel", reason: "deleted" }, attempt: null, at: records.now });
		expect(await kept()).toEqual([]);
	});
}

function publicPart({ secrets: _secrets, sealedHeaders: _headers, deleteDate: _date, ...webhook }: WebhookRecord) {
	return webhook;
}
