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
	describe("event types", () => {
		describeEventTypes(current);
	});
}

function describeProjects(current: CurrentStore): void {
	it("lists projects oldest first, and deletes one with its keys and webhooks, and nothing of others", async () => {
		const { store, projectId, webhookId, records } = await fillStore(current());
		records.now += 1;
		const second = { ...records.project("Second"), eventTypes: "catalogued" } as const;
		await store.insertProject(second, null);
		expect(await store.projects()).toContainEqual(second);
		const changed = { ...second, name: "Renamed", eventTypes: "open" } as const;
		const revision = await store.updateProject(changed, { expected: second.revision, entry: null });
		expect(await store.projects()).toMatchObject([
			{ id: projectId, name: "Project" },
			{ ...changed, revision },
		]);
		const key = records.key("write", second.id);
		await store.insertWebhook(records.webhook(second.id), null);
		await store.insertKey(key, null);
		expect(await store.deleteProject(second.id, records.now, null)).toBe(3);
		expect(await store.deleteProject(second.id, records.now, null)).toBeNull();
		expect((await store.projects()).map(({ id }) => id)).toEqual([projectId]);
		expect((await store.keys()).map(({ id }) => id)).not.toContain(key.id);
		expect((await allWebhooks(store)).map(({ id }) => id)).toEqual([webhookId]);
		expect((await store.webhooks(projectScope(second.id), ANY_WEBHOOK, NEWEST)).rows).toEqual([]);
	});
}

function describeKeys(current: CurrentStore): void {
	it("lists keys newest first, with all their fields, also after an update", async () => {
		const { store, projectId, records } = await fillStore(current());
		const olderSecrets = [
			{ digest: Uint8Array.of(1, 2, 255), expireDate: records.now + 1 },
			{ digest: Uint8Array.of(0), expireDate: records.now + 2 },
		];
		const full = { ...records.key("read", projectId), olderSecrets, expireDate: records.now + 3 };
		const revision = Number(await store.insertKey(full, null));
		const newer = records.key("write");
		await store.insertKey(newer, null);
		const read = async () => (await store.keys()).slice(0, 2);
		expect(await read()).toMatchObject([{ id: newer.id }, { id: full.id }]);
		expect((await read())[1]).toEqual({ ...full, digest: new Uint8Array(full.digest), revision });
		const changed = { ...full, name: "New", hint: "wxyz", digest: Uint8Array.of(7), olderSecrets: [] };
		const next = await store.updateKey(changed, { expected: revision, entry: null });
		expect((await read())[1]).toEqual({ ...changed, revision: next });
	});

	it("keeps the last use of each key until the key is deleted", async () => {
		const { store, projectId, records } = await fillStore(current());
		const keys = [records.key("read"), records.key("read"), records.key("admin", projectId)];
		for (const key of keys) await store.insertKey(key, null);
		const [one = "", two = ""] = keys.map(({ id }) => id);
		expect(await store.keyUses()).toEqual([]);
		await store.noteKeyUses([...keys, records.key()].map(({ id }, n) => ({ keyId: id, at: records.now + n })));
		const read = async () => new Map((await store.keyUses()).map(({ keyId, at }) => [keyId, at - records.now]));
		expect(await read()).toEqual(new Map(keys.map(({ id }, n) => [id, n])));
		const uses = [[two, 0] as const, [one, 9] as const, [one, 5] as const];
		await store.noteKeyUses(uses.map(([keyId, ms]) => ({ keyId, at: records.now + ms })));
		const before = await store.directoryVersions();
		await store.noteKeyUses([]);
		expect(await store.directoryVersions()).toEqual(before);
		expect(await read()).toEqual(new Map(keys.map(({ id }, n) => [id, [9, 1, 2][n]])));
		await store.deleteKey(one, null);
		await store.deleteProject(projectId, records.now, null);
		expect(await read()).toEqual(new Map([[two, 1]]));
	});

	it("deletes a key, unless it is the last that administers the whole workspace for ever", async () => {
		const { store, projectId, records } = await fillStore(current());
		const [{ id: first } = { id: "" }] = await store.keys();
		const [ofProject, admin] = [records.key("admin", projectId), records.key()];
		const expiring = { ...records.key("admin"), expireDate: records.now + 1_000_000_000 };
		for (const key of [ofProject, expiring, records.key("write")]) await store.insertKey(key, null);
		expect(await store.deleteKey(first, null)).toBe("last_admin");
		expect(await store.deleteKey(expiring.id, null)).toEqual(expect.any(Number));
		await store.insertKey(admin, null);
		expect(await store.deleteKey(first, null)).toEqual(expect.any(Number));
		expect(await store.deleteKey(first, null)).toBe("not_found");
		expect(await store.deleteKey(ofProject.id, null)).toEqual(expect.any(Number));
		expect(await store.deleteKey(admin.id, null)).toBe("last_admin");
	});
}

function describeWebhooks(current: CurrentStore): void {
	it("stores all fields of a webhook's record, and replaces all of them, the secrets included", async () => {
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
		const secret = { number: 2, sealed: Uint8Array.of(4), createDate: records.now, expireDate: null };
		const old = { number: 1, sealed: Uint8Array.of(1), createDate: records.now, expireDate: records.now + 5 };
		const after = await changeWebhook(store, full, { name: "New", status: "Paused", secrets: [secret, old] });
		expect(await allWebhooks(store)).toEqual([after, bare]);
	});

	it("lists no deleted webhook, but keeps its record while it has Pending or Held deliveries", async () => {
		const { store, scope, accept, update, records, webhookIds } = await fillStore(current(), 3);
		const [pendingHook = "", heldHook = ""] = webhookIds;
		const [pending = ""] = await accept({ webhookIds: [pendingHook] });
		const [held = ""] = await accept({ webhookIds: [heldHook], state: newHeldDelivery("paused") });
		for (const record of await allWebhooks(store)) await changeWebhook(store, record, { deleteDate: records.now });
		const kept = async () => (await allWebhooks(store)).map(({ id }) => id);
		expect(idsOf(await store.webhooks(scope, ANY_WEBHOOK, NEWEST))).toEqual([]);
		expect(await kept()).toEqual([pendingHook, heldHook]);
		await update(records.outcome(pending, 1));
		expect(await kept()).toEqual([heldHook]);
		await update(records.cancel(held));
		expect(await kept()).toEqual([]);
	});
}

function publicPart({ secrets: _secrets, sealedHeaders: _headers, deleteDate: _date, ...webhook }: WebhookRecord) {
	return webhook;
}
