// The directory knows what other processes have changed: two engines on one store, each of which stands for a process.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, onTestFinished } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { allWebhooks } from "../../ports/contract/store/records/webhooks.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { codeOf, NO_SETTINGS, NOBODY, openPair } from "../test/arrangements.ts";
import { ScriptedCluster, type ScriptedMember } from "../test/scripted-cluster.ts";
import { changeIn, eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

describe("a send through one process, after a change through another", () => {
	it("reaches a webhook that is new, and a webhook at its new endpoint", async () => {
		await using receiver = await startReceiver();
		const { one, other } = await openPair();
		const webhook = await one.createWebhook(NOBODY);
		await one.engine.webhooks.update(one.change, webhook.id, { endpoint: receiver.url });
		const id = await other.send();
		await other.delivery(id, { status: "Succeeded", webhookId: webhook.id });
		expect(receiver.requests).toHaveLength(1);
	});

	it("is Held for a paused webhook, and has no delivery to a deleted one or one that no longer wants the type", async () => {
		const { one, other } = await openPair();
		const create = async () => (await one.createWebhook(NOBODY)).id;
		const [paused, deleted, picky] = [await create(), await create(), await create()];
		await other.send();
		await one.engine.webhooks.pause(one.change, paused);
		await one.engine.webhooks.delete(one.change, deleted);
		await one.engine.webhooks.update(one.change, picky, { eventTypes: ["another.type"] });
		const deliveries = await other.deliveries({ eventId: await other.send() });
		expect(deliveries.map(({ webhookId, status }) => [webhookId, status])).toEqual([[paused, "Held"]]);
	});

	it("is refused by the policy, the event types and the webhooks that the project has now", async () => {
		const { one, other } = await openPair();
		const { id } = await one.createWebhook(NOBODY);
		const send = (input: Parameters<typeof eventInput>[0] = {}) =>
			other.engine.intake.send(other.scope, eventInput(input));
		await send();
		await send({ webhookIds: [id] });
		await one.engine.webhooks.delete(one.change, id);
		expect(await codeOf(send({ webhookIds: [id] }))).toBe("unknown_webhook");
		await one.engine.eventTypes.create(one.change, "test.event", NO_SETTINGS);
		await one.engine.projects.update(one.change, { eventTypes: "catalogued" });
		expect(await codeOf(send({ type: "another.type" }))).toBe("invalid_request");
		await send();
		await one.engine.eventTypes.update(one.change, "test.event", { archived: true });
		expect(await codeOf(send())).toBe("invalid_request");
	});

	it("is refused, like all other calls, if the project was deleted", async () => {
		const { one, other } = await openPair();
		await one.engine.projects.delete(one.change);
		await expect(other.send()).rejects.toMatchObject({ code: "project_not_found" });
		expect(() => other.engine.projects.get(other.scope)).toThrow("No such project");
	});

	it("is a duplicate of the event that was accepted before the change", async () => {
		const { one, other } = await openPair();
		const { id } = await one.createWebhook(NOBODY);
		await other.send();
		const input = eventInput({ idempotencyKey: "k", webhookIds: [id] });
		const { event } = await other.engine.intake.send(other.scope, input);
		await one.engine.webhooks.pause(one.change, id);
		expect(await other.engine.intake.send(other.scope, input)).toEqual({ event, duplicate: true });
	});

	it("is refused if the change can't be read, and accepted when it can", async () => {
		const { one, other } = await openPair();
		await one.createWebhook(NOBODY);
		other.engineStore.projectChanges = () => Promise.reject(new StoreError("store_unavailable", "it hangs"));
		await expect(other.send()).rejects.toMatchObject({ code: "store_unavailable" });
		expect(other.observer.refusals).toEqual(["store_unavailable"]);
		other.engineStore.projectChanges = one.engineStore.projectChanges.bind(one.engineStore);
		expect(await other.send()).toMatch(/^evt_/);
	});

	it("is refused as overloaded if the project changes all the time", async () => {
		await using test = await openTestEngine();
		test.engineStore.commit = ({ events }) =>
			Promise.resolve({ events: events.map(() => ({ kind: "stale" }) as const), updates: [], healthChanges: [] });
		await expect(test.send()).rejects.toMatchObject({ code: "overloaded" });
	});
});

describe("changes of one object through two processes", () => {
	it("are all kept if they name no revision, and one is refused if they do", async () => {
		const { one, other } = await openPair();
		const { id, revision } = await one.createWebhook(NOBODY);
		await other.send();
		await Promise.all([
			one.engine.webhooks.update(one.change, id, { name: "new" }),
			other.engine.webhooks.update(other.change, id, { timeoutMs: 7_000 }),
		]);
		const both = { name: "new", timeoutMs: 7_000 };
		expect((await allWebhooks(one.store))[0]).toMatchObject({ ...both, revision: revision + 2 });
		const late = other.engine.webhooks.update(other.change, id, { name: "late", revision: revision + 1 });
		expect(await codeOf(late)).toBe("revision_conflict");
		await one.engine.webhooks.update(one.change, id, { name: "newest", revision: revision + 2 });
		const lost = other.engine.webhooks.update(other.change, id, { name: "lost", revision: revision + 2 });
		expect(await codeOf(lost)).toBe("revision_conflict");
		expect((await allWebhooks(one.store))[0]).toMatchObject({ name: "newest", timeoutMs: 7_000 });

		await one.engine.eventTypes.create(one.change, "a", NO_SETTINGS);
		await Promise.all([
			one.engine.eventTypes.update(one.change, "a", { description: "d" }),
			other.engine.eventTypes.update(other.change, "a", { exampleJson: "1" }),
		]);
		expect(await one.store.eventType(one.projectId, "a")).toMatchObject({ description: "d", exampleJson: "1" });
		await Promise.all([
			one.engine.projects.update(one.change, { name: "new" }),
			other.engine.projects.update(other.change, { retentionDays: 7 }),
		]);
		expect(await one.store.projects()).toMatchObject([{ name: "new", retentionDays: 7 }]);
	});

	it("of a project are made on the revision that they name, whichever process has given it, and otherwise refused", async () => {
		const { one, other } = await openPair();
		const { revision } = await one.engine.projects.update(one.change, { name: "one" });
		// The other process has not heard of it.
		expect(other.engine.projects.get(other.scope).revision).toBeLessThan(revision);
		const next = await other.engine.projects.update(other.change, { name: "other", revision });
		const late = one.engine.projects.update(one.change, { name: "late", revision });
		await expect(late).rejects.toMatchObject({ code: "revision_conflict" });
		const early = one.engine.projects.update(one.change, { name: "early", revision: next.revision + 1 });
		await expect(early).rejects.toMatchObject({ code: "revision_conflict" });
		expect(await one.store.projects()).toMatchObject([{ name: "other", revision: next.revision }]);
	});

	it("do not bring a deleted webhook or project back", async () => {
		const { one, other } = await openPair();
		const { id } = await one.createWebhook(NOBODY);
		await other.send();
		await one.engine.webhooks.delete(one.change, id);
		const paused = other.engine.webhooks.pause(other.change, id);
		await expect(paused).rejects.toMatchObject({ code: "webhook_not_found" });
		await one.engine.projects.delete(one.change);
		const renamed = other.engine.projects.update(other.change, { name: "back" });
		await expect(renamed).rejects.toMatchObject({ code: "project_not_found" });
		await other.engine.projects.delete(other.change).catch(() => {});
		expect(await one.store.projects()).toEqual([]);
	});

	it("give up with a conflict if the store always has a newer revision", async () => {
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(NOBODY);
		let tries = 0;
		test.engineStore.updateWebhook = () => {
			tries++;
			return Promise.resolve(null);
		};
		const paused = test.engine.webhooks.pause(test.change, id);
		await expect(paused).rejects.toMatchObject({ code: "revision_conflict" });
		expect(tries).toBe(10);
	});
});

it("deletes a project together with its keys and streams, for a process that learns it from a change of its own", async () => {
	const { one, other } = await openPair();
	const gone = await one.engine.projects.create("Gone", null);
	const { secretKey } = await one.engine.keys.create({ name: "k", scope: "read", projectId: gone.id }, null);
	// The other process learns of both with its next change of the workspace, which skips two versions.
	await other.engine.projects.create("Third", null);
	await eventually("the other process knows the key", () => other.engine.keys.authenticate(secretKey));
	await one.engine.projects.delete(changeIn(gone.id));
	await other.engine.projects.create("Fourth", null);
	await eventually("the other process has forgotten the key", () => other.engine.keys.authenticate(secretKey) === null);
	expect(other.engine.projects.list().map(({ name }) => name)).toEqual(["My project", "Third", "Fourth"]);
});

it("does not bring back a key whose creation is answered after the deletion of its project", async () => {
	await using test = await openTestEngine();
	const [executed, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	test.engineStore.insertKey = async (key, entry) => {
		const version = await test.store.insertKey(key, entry);
		executed.resolve();
		await answer.promise;
		return version;
	};
	const made = test.engine.keys.create({ name: "k", scope: "read", projectId: test.projectId }, null);
	await executed.promise;
	await test.engine.projects.delete(test.change);
	answer.resolve();
	expect(test.engine.keys.authenticate((await made).secretKey)).toBeNull();
	const ids = (keys: readonly { readonly id: string }[]) => keys.map(({ id }) => id);
	expect(ids(await test.store.keys())).toEqual(ids(test.engine.keys.list({ limit: 10, cursor: null }).rows));
});

describe("a change of this process during a read of what others have changed", () => {
	/** Lets the directory of an engine read the workspace's keys, and holds the result until the gate opens. */
	function holdKeys({ engineStore, store }: TestEngine) {
		const [read, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		engineStore.keys = async () => {
			const keys = await store.keys();
			engineStore.keys = () => store.keys();
			read.resolve();
			await gate.promise;
			return keys;
		};
		return { read: read.promise, open: () => gate.resolve() };
	}

	it("is not undone by the read: a deleted key stays deleted, and a new key and project stay known", async () => {
		const { one, other } = await openPair();
		const make = (projectId: string | null) => other.engine.keys.create({ name: "k", scope: "read", projectId }, null);
		const [gone, goneToo] = [await make(null), await make(other.projectId)];
		await one.engine.projects.create("Skipped", null);
		const held = holdKeys(other);
		await other.engine.projects.create("Second", null);
		await held.read;
		await other.engine.keys.delete(gone.key.id, null);
		await other.engine.keys.delete(goneToo.key.id, null);
		const made = [await make(null), await make(other.projectId)];
		await other.engine.projects.create("Third", null);
		const seen: (readonly [string, boolean])[] = [];
		const look = () => {
			const isKnown = ({ secretKey }: { secretKey: string }) => other.engine.keys.authenticate(secretKey) !== null;
			for (const key of [gone, goneToo]) seen.push(["deleted", !isKnown(key)]);
			for (const key of made) seen.push(["new", isKnown(key)]);
			seen.push(["project", other.engine.projects.list().some(({ name }) => name === "Third")]);
		};
		// The next read begins when this one has ended.
		other.engineStore.directoryVersions = () => {
			look();
			return other.store.directoryVersions();
		};
		held.open();
		await eventually("the other process knows the skipped project", () => {
			look();
			return other.engine.projects.list().some(({ name }) => name === "Skipped");
		});
		expect(seen.filter(([, kept]) => !kept)).toEqual([]);
	});
});

describe("a management call", () => {
	/** Two engines that the wire connects. */
	async function openConnected() {
		const cluster = new ScriptedCluster();
		const [left, right] = [cluster.join("left", []), cluster.join("right", [])];
		const store = await openSqliteStore({ path: ":memory:" });
		onTestFinished(() => store.close());
		const open = async ({ tenure, wire }: ScriptedMember) => {
			const test = await openTestEngine({ store, tenure, wire });
			onTestFinished(() => test[Symbol.asyncDispose]());
			return test;
		};
		return { one: await open(left), other: await open(right) };
	}

	it("is answered when the other processes know the change", async () => {
		const { one, other } = await openConnected();
		const { id } = await one.createWebhook(NOBODY);
		expect(await other.engine.webhooks.get(other.scope, id)).toMatchObject({ status: "Enabled" });
		await other.engine.webhooks.pause(other.change, id);
		expect(await one.engine.webhooks.get(one.scope, id)).toMatchObject({ status: "Paused" });
		const gone = await one.engine.projects.create("Gone", null);
		const { key, secretKey } = await other.engine.keys.create({ name: "k", scope: "read", projectId: gone.id }, null);
		expect(one.engine.keys.authenticate(secretKey)).toMatchObject({ kind: "key", key: { id: key.id } });
		await one.engine.keys.delete(key.id, null);
		expect(other.engine.keys.authenticate(secretKey)).toBeNull();
		for (const projectId of [null, gone.id]) {
			const made = await one.engine.keys.create({ name: "k", scope: "read", projectId }, null);
			const rolled = await other.engine.keys.roll(made.key.id, 0, null);
			expect(one.engine.keys.authenticate(made.secretKey)).toBeNull();
			expect(one.engine.keys.authenticate(rolled.secretKey)).toMatchObject({ key: { id: made.key.id } });
			// Both have changed it now, one after the other.
			await one.engine.keys.update(made.key.id, { name: "renamed" }, null);
			const again = await other.engine.keys.roll(made.key.id, 0, null);
			expect([again.key.name, one.engine.keys.authenticate(rolled.secretKey)]).toEqual(["renamed", null]);
			await other.engine.keys.delete(made.key.id, null);
			expect(await codeOf(one.engine.keys.update(made.key.id, { name: "b" }, null))).toBe("key_not_found");
		}
		await one.engine.projects.delete(changeIn(gone.id));
		expect(other.engine.projects.list()).toEqual(one.engine.projects.list());
		await one.engine.eventTypes.create(one.change, "test.event", NO_SETTINGS);
		await other.engine.projects.update(other.change, { eventTypes: "catalogued" });
		await one.send();
		await other.engine.eventTypes.update(other.change, "test.event", { archived: true });
		await expect(one.send()).rejects.toMatchObject({ code: "invalid_request" });
		await one.engine.eventTypes.update(one.change, "test.event", { archived: false });
		await other.send();
	});
});
