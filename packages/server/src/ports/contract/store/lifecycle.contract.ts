// The contract of the lifecycle slice: the identity of a store, its probe, and closing.
import { expect, it } from "vitest";

import { FIRST_VERSION } from "../../../core/workspace.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import type { SealedParts } from "../../store/lifecycle.ts";
import { ANY_ENTRY, fillStore, NEWEST, Records, type CurrentStore } from "./records/records.ts";
import { ANY_WEBHOOK, allWebhooks } from "./records/webhooks.ts";

export function describeLifecycle(current: CurrentStore): void {
	describeIdentity(current);
	describeReseal(current);
	describeHold(current);

	it("can be probed, and may be closed twice, and then rejects calls with store_unavailable", async () => {
		const store = current();
		for (const at of [1, 2]) await store.probe(at);
		await store.probe(3, 1_048_576);
		await store.probe(4);
		for (let n = 0; n < 2; n++) await store.close();
		await expect(store.probe(5)).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
		await expect(store.projects()).rejects.toMatchObject({ code: "store_unavailable" });
	});
}

function describeIdentity(current: CurrentStore): void {
	it("has no identity until it is initialized", async () => {
		expect(await current().identity()).toBeNull();
		const records = new Records();
		const [identity, project, key] = [records.identity(), records.project(), records.key()];
		await current().initialize(identity, project, key);
		expect(await current().identity()).toEqual(identity);
		expect(await current().projects()).toEqual([project]);
		expect(await current().keys()).toEqual([{ ...key, digest: new Uint8Array(key.digest), revision: FIRST_VERSION }]);
		// It is not initialized twice.
		const again = current().initialize(records.identity(), records.project("Second"), records.key());
		await expect(again).rejects.toMatchObject({ code: "store_conflict" });
		expect(await current().projects()).toHaveLength(1);
		expect(await current().keys()).toHaveLength(1);
	});
}

function describeReseal(current: CurrentStore): void {
	const sealedAnew = ({ id, secrets }: WebhookRecord): SealedParts => ({
		id,
		secrets: secrets.map((secret) => ({ ...secret, sealed: Uint8Array.of(41, secret.number) })),
		sealedHeaders: Uint8Array.of(42),
	});

	it("puts all staged parts into force together with the fingerprint", async () => {
		const { store } = await fillStore(current(), 3);
		const before = await allWebhooks(store);
		const [first, second, third] = before.map(sealedAnew);
		await store.stageReseal([{ ...first!, sealedHeaders: Uint8Array.of(1) }, second!]);
		await store.stageReseal([first!, third!]);
		expect(await allWebhooks(store)).toEqual(before);
		expect((await store.identity())?.masterKeyFingerprint).toBe("00ff");
		await store.reseal("ff00");
		expect(await allWebhooks(store)).toEqual(before.map((record) => ({ ...record, ...sealedAnew(record) })));
		expect((await store.identity())?.masterKeyFingerprint).toBe("ff00");
	});

	it("forgets what an interrupted change has staged, and refuses parts of an unknown webhook", async () => {
		const { store, records, projectId } = await fillStore(current(), 2);
		const before = await allWebhooks(store);
		const unknown = sealedAnew(records.webhook(projectId));
		const staged = store.stageReseal([...before.map(sealedAnew), unknown]);
		await expect(staged).rejects.toMatchObject({ code: "store_conflict" });
		await store.stageReseal(before.map(sealedAnew));
		await store.clearReseal();
		await store.reseal("ff00");
		expect(await allWebhooks(store)).toEqual(before);
	});
}

function describeHold(current: CurrentStore): void {
	it("pauses the webhooks that are Enabled, each with the new version of its project, and writes one audit entry", async () => {
		const { store, records, projectId, scope, webhookIds } = await fillStore(current(), 1);
		const [other, empty] = [records.project("Other"), records.project("Empty")];
		for (const project of [other, empty]) await store.insertProject(project, null);
		const own = webhookIds[0] ?? "";
		const paused = records.webhook(projectId, { status: "Paused" });
		const disabled = records.webhook(projectId, { status: "Disabled", disabledReason: "it failed" });
		const deleted = records.webhook(projectId, { deleteDate: 7 });
		const foreign = records.webhook(other.id, { status: "Enabled" });
		for (const webhook of [paused, disabled, deleted, foreign]) await store.insertWebhook(webhook, null);
		const before = new Map((await store.directoryVersions()).projects.map((one) => [one.projectId, one.version]));

		const at = records.now + 5;
		const entry = records.entry({ action: "workspace.restore", objectId: "ws_1", projectId: null, keyId: null });
		expect(await store.holdWebhooks(at, entry)).toBe(2);

		const after = new Map((await store.directoryVersions()).projects.map((one) => [one.projectId, one.version]));
		const raised = (id: string) => (after.get(id) ?? 0) - (before.get(id) ?? 0);
		expect([projectId, other.id, empty.id].map(raised)).toEqual([1, 1, 0]);
		const found = new Map((await allWebhooks(store)).map((record) => [record.id, record]));
		const held = { status: "Paused", pausedReason: "restored", updateDate: at };
		expect(found.get(own)).toMatchObject({ ...held, revision: after.get(projectId) });
		expect(found.get(foreign.id)).toMatchObject({ ...held, revision: after.get(other.id) });
		expect(found.get(paused.id)).toMatchObject({ status: "Paused", pausedReason: null });
		expect(found.get(disabled.id)).toMatchObject({ status: "Disabled", pausedReason: null });
		const page = await store.webhooks(scope, ANY_WEBHOOK, NEWEST);
		expect(page.rows.find(({ id }) => id === own)).toMatchObject(held);
		const log = await store.auditEntries({ ...ANY_ENTRY, action: "workspace.restore" }, NEWEST);
		expect(log.rows).toEqual([entry]);
		expect(await store.holdWebhooks(at, records.entry({ action: "workspace.restore" }))).toBe(0);
	});
}
