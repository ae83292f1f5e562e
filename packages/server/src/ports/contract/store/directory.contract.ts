// The store's contract: the workspace, projects, keys and webhooks.
import { expect, it } from "vitest";

import { newHeldDelivery } from "../../../core/delivery.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import type { CurrentStore } from "./samples/records.ts";
import { fillStore, idsOf, NEWEST, Samples } from "./samples/records.ts";

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
		const samples = new Samples();
		const [identity, project, key] = [samples.identity(), samples.project(), samples.key()];
		await current().initialize(identity, project, key);
		expect(await current().identity()).toEqual(identity);
		expect(await current().projects()).toEqual([project]);
		expect(await current().keys()).toEqual([{ ...key, digest: new Uint8Array(key.digest) }]);
	});

	it("is initialized once, and all or nothing", async () => {
		const { store, samples } = await fillStore(current());
		const again = store.initialize(samples.identity(), samples.project("Second"), samples.key());
		await expect(again).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.projects()).toHaveLength(1);
		expect(await store.keys()).toHaveLength(1);
	});
}

function describeProjects(current: CurrentStore): void {
	it("lists projects oldest first, and renames them", async () => {
		const { store, projectId, samples } = await fillStore(current());
		samples.now += 1;
		const second = samples.project("Second");
		await store.insertProject(second);
		await store.updateProject({ ...second, name: "Renamed" });
		expect((await store.projects()).map(({ id, name }) => [id, name])).toEqual([
			[projectId, "Project"],
			[second.id, "Renamed"],
		]);
	});

	it("rejects an update of what it does not have", async () => {
		const { store, projectId, samples } = await fillStore(current());
		await expect(store.updateProject(samples.project())).rejects.toMatchObject({ code: "store_conflict" });
		const unknown = store.updateWebhook(samples.webhook(projectId));
		await expect(unknown).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("deletes a project with its keys and webhooks, and nothing of others", async () => {
		const { store, projectId, webhookId, samples } = await fillStore(current());
		const other = samples.project();
		await store.insertProject(other);
		const [hook, key] = [samples.webhook(other.id), samples.key("write", other.id)];
		await store.insertWebhook(hook);
		await store.insertKey(key);
		expect(await store.deleteProject(other.id, samples.now)).toBe(true);
		expect(await store.deleteProject(other.id, samples.now)).toBe(false);
		expect((await store.projects()).map(({ id }) => id)).toEqual([projectId]);
		expect((await store.keys()).map(({ id }) => id)).not.toContain(key.id);
		expect((await store.webhookRecords()).map(({ id }) => id)).toEqual([webhookId]);
		expect((await store.webhooks(other.id, NEWEST)).rows).toEqual([]);
		await expect(store.updateProject(other)).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("does not delete what it does not have", async () => {
		const { store, samples } = await fillStore(current());
		expect(await store.deleteProject(samples.project().id, samples.now)).toBe(false);
	});
}

function describeKeys(current: CurrentStore): void {
	it("lists keys newest first", async () => {
		const { store, projectId, samples } = await fillStore(current());
		const [older, newer] = [samples.key("read", projectId), samples.key("write")];
		await store.insertKey(older);
		await store.insertKey(newer);
		const keys = await store.keys();
		expect(keys.slice(0, 2).map(({ id }) => id)).toEqual([newer.id, older.id]);
		expect(keys[1]).toEqual({ ...older, digest: new Uint8Array(older.digest) });
	});

	it("refuses the same key twice", async () => {
		const { store, samples } = await fillStore(current());
		const key = samples.key();
		await store.insertKey(key);
		const same = store.insertKey({ ...key, id: samples.ids.make("key", samples.now) });
		await expect(same).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("deletes a key, unless it is the last that administers the whole workspace", async () => {
		const { store, projectId, samples } = await fillStore(current());
		const [first] = await store.keys();
		const [ofProject, admin] = [samples.key("admin", projectId), samples.key()];
		await store.insertKey(ofProject);
		await store.insertKey(samples.key("write"));
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
		const { store, projectId, samples } = await fillStore(current(), 0);
		const full = samples.webhook(projectId);
		const bare = samples.webhook(projectId, {
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
		const { store, projectId, samples } = await fillStore(current(), 0);
		const before = samples.webhook(projectId);
		await store.insertWebhook(before);
		const secret = { number: 2, sealed: Uint8Array.of(4), createDate: samples.now, expireDate: null };
		const old = { number: 1, sealed: Uint8Array.of(1), createDate: samples.now, expireDate: samples.now + 5 };
		const after = samples.webhook(projectId, { id: before.id, name: "New", status: "Paused", secrets: [secret, old] });
		await store.updateWebhook(after);
		expect(await store.webhookRecords()).toEqual([after]);
	});

	it("reseals every record together with the fingerprint, or none", async () => {
		const { store, samples } = await fillStore(current(), 2);
		const records = await store.webhookRecords();
		const sealed = records.map((record) => ({ ...record, sealedHeaders: Uint8Array.of(42) }));
		const unknown = samples.webhook(records[0]?.projectId ?? "");
		await expect(store.reseal([...sealed, unknown], "ff00")).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.webhookRecords()).toEqual(records);
		expect((await store.identity())?.masterKeyFingerprint).toBe("00ff");
		await store.reseal(sealed, "ff00");
		expect(await store.webhookRecords()).toEqual(sealed);
		expect((await store.identity())?.masterKeyFingerprint).toBe("ff00");
	});
}

function describeDeletedWebhooks(current: CurrentStore): void {
	it("lists no deleted webhook, but keeps its record while deliveries are to be settled", async () => {
		const { store, projectId, accept, update, samples, webhookIds } = await fillStore(current(), 3);
		const [pendingHook = "", heldHook = "", idleHook = ""] = webhookIds;
		const [pending = ""] = await accept({ webhookIds: [pendingHook] });
		const [held = ""] = await accept({ webhookIds: [heldHook], state: newHeldDelivery("paused") });
		for (const record of await store.webhookRecords())
			await store.updateWebhook({ ...record, deleteDate: samples.now });
		const kept = async () => (await store.webhookRecords()).map(({ id }) => id);
		expect(idsOf(await store.webhooks(projectId, NEWEST))).toEqual([]);
		expect(await kept()).toEqual([pendingHook, heldHook]);
		expect(await kept()).not.toContain(idleHook);
		await update(samples.outcome(pending, 1));
		expect(await kept()).toEqual([heldHook]);
		await update({ deliveryId: held, change: { type: "cancel", reason: "deleted" }, attempt: null, at: samples.now });
		expect(await kept()).toEqual([]);
	});
}

function publicPart({ secrets: _secrets, sealedHeaders: _headers, deleteDate: _date, ...webhook }: WebhookRecord) {
	return webhook;
}
