// The contract of the directory slice: projects, keys and webhooks; event types have a file of their own.
import { describe, expect, it } from "vitest";

import { newHeldDelivery } from "../../../core/delivery.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import { describeEventTypes } from "./event-types.contract.ts";
import type { CurrentStore } from "./records/records.ts";
import { fillStore, idsOf, NEWEST } from "./records/records.ts";

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
		await store.insertProject(second);
		await store.updateProject({ ...second, name: "Renamed" });
		expect((await store.projects()).map(({ id, name }) => [id, name])).toEqual([
			[projectId, "Project"],
			[second.id, "Renamed"],
		]);
	});

	it("rejects an update of an unknown project or webhook", async () => {
		const { store, projectId, records } = await fillStore(current());
		await expect(store.updateProject(records.project())).rejects.toMatchObject({ code: "store_conflict" });
		const unknown = store.updateWebhook(records.webhook(projectId));
		await expect(unknown).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("deletes a project with its keys and webhooks, and nothing of other projects", async () => {
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

	it("returns false for the deletion of an unknown project", async () => {
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
	it("stores all fields of a webhook's record", async () => {
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

	it("replaces a whole record, its secrets included", async () => {
		const { store, projectId, records } = await fillStore(current(), 0);
		const before = records.webhook(projectId);
		await store.insertWebhook(before);
		const secret = { number: 2, sealed: Uint8Array.of(4), createDate: records.now, expireDate: null };
		const old = { number: 1, sealed: Uint8Array.of(1), createDate: records.now, expireDate: records.now + 5 };
		const after = records.webhook(projectId, { id: before.id, name: "New", status: "Paused", secrets: [secret, old] });
		await store.updateWebhook(after);
		expect(await store.webhookRecords()).toEqual([after]);
	});
}

function describeDeletedWebhooks(current: CurrentStore): void {
	it("lists no deleted webhook, but keeps its record while it has Pending or Held deliveries", async () => {
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
