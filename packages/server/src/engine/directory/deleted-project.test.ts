// The deletion of a project with many webhooks: nobody else waits for it, and a crash right after it changes nothing.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const MANY = 2_000;

/** Adds copies of a webhook. */
async function addMany(test: TestEngine, webhookId: string): Promise<void> {
	const [record] = await test.store.webhookRecords([webhookId]);
	const copy = (number: number) => record!.id.replace(/.{12}$/, String(number).padStart(12, "0"));
	for (let number = 0; number < MANY; number++) await test.store.insertWebhook({ ...record!, id: copy(number) }, null);
}

it("lets the event loop turn while the parts of the engine learn of its webhooks", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	await using one = await openTestEngine({ store });
	const { id } = await one.createWebhook("http://127.0.0.1:9/");
	await addMany(one, id);
	await using test = await openTestEngine({ store });
	let turns = 0;
	const count = () => {
		turns++;
		setImmediate(count);
	};
	const counting = setImmediate(count);
	await test.engine.projects.delete({ scope: one.scope, audit: null });
	clearImmediate(counting);
	expect(turns).toBeGreaterThan(MANY / 250 - 1);
	await one.stop();
	await test.stop();
	await store.close();
});

it("is whole if the process is killed right after the call, which changes no row of a webhook", async () => {
	using dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	const first = await openSqliteStore({ path });
	const one = await openTestEngine({ store: first });
	const { id } = await one.createWebhook("http://127.0.0.1:9/");
	const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
	await one.engine.eventTypes.create(one.change, "test.event", settings);
	await one.engine.projects.create("stays", null);
	const eventId = await one.send();
	const { id: deliveryId } = await one.delivery(eventId, { attemptCount: 1, status: "Pending" });
	await addMany(one, id);
	// The engine never learns of it, as if it had died.
	expect(await first.deleteProject(one.projectId, one.clock.now(), null)).not.toBeNull();
	await one.stop();
	await first.close();
	expect(rowsOf(path)).toEqual({ marked: 0, webhooks: MANY + 1, eventTypes: 1 });

	const store = await openSqliteStore({ path });
	const test = await openTestEngine({ store, clock: one.clock });
	const statusOf = async () => (await store.delivery(one.scope, deliveryId))?.status;
	await eventually("the delivery to be cancelled", async () => (await statusOf()) === "Cancelled");
	expect(test.observer.attempts).toEqual([]);
	await eventually("the rows to be gone", async () => {
		test.clock.advance(60_000);
		return (await store.webhookRecords([id])).length === 0 && (await statusOf()) === undefined;
	});
	await test.stop();
	await store.close();
});

/** What a store that is closed has of webhooks and event types. */
function rowsOf(path: string) {
	using db = new DatabaseSync(path, { readOnly: true });
	const count = (from: string) => db.prepare(`SELECT count(*) AS count FROM ${from}`).get()?.["count"];
	return {
		marked: count("webhooks WHERE delete_date IS NOT NULL"),
		webhooks: count("webhooks"),
		eventTypes: count("event_types"),
	};
}
