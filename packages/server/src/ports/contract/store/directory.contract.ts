// The store's contract: the workspace, projects, keys and webhooks.
import { expect, it } from "vitest";

import { newHeldDelivery } from "../../../core/delivery.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import type { CurrentStore } from "./records/records.ts";
import { fillStore, idsOf, NEWEST, Records } from "./records/records.ts";

export function describeManagement(current: CurrentStore): void {
	describeIdentity(current);
	describeProjects(current);
	describeKeys(current);
	describeWebhooks(current);
	describeDeletedWebhooks(current);
}

function describeIdentity(current: CurrentStore): void {
	it("is new until it is initialized", async () => {
		expect(await current().identity()).toBeNull();
		const records = new Records();
		const [identity, project, key] = [records.identity(), records.project(), records.key()];
		await current().initialize(identity, project, key);
		expect(await current().identity()).toEqual(identity);
		expect(await current().projects()).toEqual([project]);
		expect(await current().keys()).toEqual([{ ...key, digest: new Uint8Array(key.digest) }]);
	});

	it("is initialized once, and all or nothing", async () => {
		const { store, records } = await fillStore(current());
		const again = store.initialize(records.identity(), records.project("Second"), records.key());
		await expect(again).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.projects()).toHaveLength(1);
		expect(await store.keys()).toHaveLength(1);
	});
}

function describeProjects(current: CurrentStore): void {
	it("lists projects oldest first, and renames them", async () => {
		const { store, projectId, records } = await fillStore(current());
		records.now += 1;
		const second = records.project("Second");
		await store.insertProject(second);
		await store.updateProject({ ...second, name: "Renamed" });
		expect((await store.projects()).map(({ id, name }) => [id, name])).toEqual([
			[projectId, "Project"],
			[second.id, "Renamed"],
		]);
	});

	it("rejects an update of what it does not have", async () => {
		const { store, projectId, records } = await fillStore(current());
		await expect(store.updateProject(records.project())).rejects.toMatchObject({ code: "store_conflict" });
		const unknown = store.updateWebhook(records.webhook(projectId));
		await expect(unknown).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("deletes a project with its keys and webhooks, and nothing of others", async () => {
		const { store, projectId, webhookId, records } = await fillStore(current());
		const other = records.project();
		await store.insertProject(other);
		const [hook, key] = [records.webhook(other.id), records.key("write", other.id)];
		await store.insertWebhook(hook);
		await store.insertKey(key);
		expect(await store.deleteProject(other.id, records.now)).toBe(true);
		expect(await store.deleteProject(other.id, records.now)).toBe(false);
		expect((await store.projects()).map(({ id }) => id)).toEqual([projectId]);
		expect((await store.keys()).map(({ id }) => id)).not.toContain(key.id);
		expect((await store.webhookRecords()).map(({ id }) => id)).toEqual([webhookId]);
		expect((await store.webhooks(other.id, NEWEST)).rows).toEqual([]);
		await expect(store.updateProject(other)).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("does not delete what it does not have", async () => {
		const { store, records } = await fillStore(current());
		expect(await store.deleteProject(records.project().id, records.now)).toBe(false);
	});
}

function describeKeys(current: CurrentStore): void {
	it("lists keys newest first", async () => {
		const { store, projectId, records } = await fillStore(current());
		const [older, newer] = [records.key("read", projectId), records.key("write")];
		await store.insertKey(older);
		await store.insertKey(newer);
		const keys = await store.keys();
		expect(keys.slice(0, 2).map(({ id }) => id)).toEqual([newer.id, older.id]);
		expect(keys[1]).toEqual({ ...older, digest: new Uint8Array(older.digest) });
	});

	it("refuses the same key twice", async () => {
		const { store, records } = await fillStore(current());
		const key = records.key();
		await store.insertKey(key);
		const same = store.insertKey({ ...key, id: records.ids.make("key", records.now) });
		await expect(same).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("deletes a key, unless it is the last that administers the whole workspace", async () => {
		const { store, projectId, records } = await fillStore(current());
		const [first] = await store.keys();
		const [ofProject, admin] = [records.key("admin", projectId), records.key()];
		await store.insertKey(ofProject);
		await store.insertKey(records.key("write"));
		expect(await store.deleteKey(first?.id ?? "")).toBe("last_admin");
		await store.insertKey(admin);
		expect(await store.deleteKey(first?.id ?? "")).toBe("deleted");
		expect(await store.deleteKey(first?.id ?? "")).toBe("not_found");
		expect(await store.deleteKey(ofProject.id)).toBe("deleted");
		expect(await store.deleteKey(admin.id)).toBe("last_admin");
	});
}

function describeWebhooks(current: CurrentStore): void {
	it("keeps all of a webhook's record", async () => {
		const { store, projectId, records } = await fillStore(current(), 0);
		const full = records.webhook(projectId);
		const bare = records.webhook(projectId, {
			description: null,
			eventTypes: null,
			metadata: {},
			headerNames: [],
			sealedHeaders: null,
			secrets: [],
			status: "Disabled",
			disabledReason: "The receiver answered 410.",
		});
		await store.insertWebhook(full);
		await store.insertWebhook(bare);
		expect(await store.webhookRecords()).toEqual([full, bare]);
		expect((await store.webhooks(projectId, NEWEST)).rows).toEqual([bare, full].map(publicPart));
	});

	it("replaces all of a webhook's record, its secrets included", async () => {
		const { store, projectId, records } = await fillStore(current(), 0);
		const before = records.webhook(projectId);
		await store.insertWebhook(before);
		const secret = { number: 2, sealed: Uint8Array.of(4), createDate: records.now, expireDate: null };
		const old = { number: 1, sealed: Uint8Array.of(1), createDate: records.now, expireDate: records.now + 5 };
		const after = records.webhook(projectId, { id: before.id, name: "New", status: "Paused", secrets: [secret, old] });
		await store.updateWebhook(after);
		expect(await store.webhookRecords()).toEqual([after]);
	});

	it("reseals every record together with the fingerprint, or none", async () => {
		const { store, records } = await fillStore(current(), 2);
		const before = await store.webhookRecords();
		const sealed = before.map((record) => ({ ...record, sealedHeaders: Uint8Array.of(42) }));
		const unknown = records.webhook(before[0]?.projectId ?? "");
		await expect(store.reseal([...sealed, unknown], "ff00")).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.webhookRecords()).toEqual(before);
		expect((await store.identity())?.masterKeyFingerprint).toBe("00ff");
		await store.reseal(sealed, "ff00");
		expect(await store.webhookRecords()).toEqual(sealed);
		expect((await store.identity())?.masterKeyFingerprint).toBe("ff00");
	});
}

function describeDeletedWebhooks(current: CurrentStore): void {
	it("lists no deleted webhook, but keeps its record while deliveries are to be settled", async () => {
		const { store, projectId, accept, update, records, webhookIds } = await fillStore(current(), 3);
		const [pendingHook = "", heldHook = "", idleHook = ""] = webhookIds;
		const [pending = ""] = await accept({ webhookIds: [pendingHook] });
		const [held = ""] = await accept({ webhookIds: [heldHook], state: newHeldDelivery("paused") });
		for (const record of await store.webhookRecords())
			await store.updateWebhook({ ...record, deleteDate: records.now });
		const kept = async () => (await store.webhookRecords()).map(({ id }) => id);
		expect(idsOf(await store.webhooks(projectId, NEWEST))).toEqual([]);
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
