// Deleted payloads leave no readable bytes in the database file and its write-ahead log a minute later, while the server runs on and nothing
// else is written.
import { existsSync, readFileSync } from "node:fs";

import { startReceiver } from "@fanfare/testkit/receiver";
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { customerScope } from "../../core/access/principal.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { NOBODY, passTurns } from "../test/delivering.ts";
import { changeIn, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const PAYLOAD = "a payload that must not be found again";
const RESPONSE = "a response that repeats the payload";
const SECOND_MS = 1_000;
/** Some seconds, and the longest step of a deletion, belong to the minute, too. */
const SOON_MS = 55 * SECOND_MS;

/** What is deleted, and how. */
const DELETIONS: readonly (readonly [string, (test: TestEngine, eventIds: readonly string[]) => Promise<unknown>])[] = [
	[
		"erased",
		async ({ engine, change }, eventIds) => {
			for (const id of eventIds) await engine.events.erasePayload(change, id);
		},
	],
	[
		"deleted with their customer",
		({ engine, projectId }) => engine.customers.delete({ scope: customerScope(projectId, "acme"), audit: null }),
	],
	["deleted with their project", ({ engine, projectId }) => engine.projects.delete(changeIn(projectId))],
];

describe("payloads and responses that are", () => {
	it.each(DELETIONS)("%s leave no readable bytes within a minute", async (_, remove) => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const clock = new ManualClock();
		const store = await openSqliteStore({ path, now: clock.now() });
		await using closing = new AsyncDisposableStack();
		closing.defer(() => store.close());
		await using receiver = await startReceiver();
		receiver.respond([{ body: RESPONSE }]);
		await using engine = await openTestEngine({ clock, store });
		// What a start looks for is over by then, and the next pass of retention is far away.
		for (let second = 0; second < 60; second++) {
			clock.advance(SECOND_MS);
			await passTurns();
		}
		const { id } = await engine.engine.projects.create("another", null);
		const test = engine.in(id);
		const own = { customerId: "acme" };
		const { id: reached } = await test.createWebhook(receiver.url, own);
		const { id: unreached } = await test.createWebhook(NOBODY, own);
		const { id: paused } = await test.createWebhook(NOBODY, own);
		await test.engine.webhooks.pause(test.change, paused);
		const send = (webhookId: string) =>
			test.send({ webhookIds: [webhookId], customers: "acme", dataJson: JSON.stringify(PAYLOAD) });
		const eventIds = [await send(reached), await send(unreached), await send(paused)];
		await test.delivery(eventIds[0]!, { status: "Succeeded" });
		await test.delivery(eventIds[1]!, { status: "Pending", attemptCount: 1 });
		await test.delivery(eventIds[2]!, { status: "Held" });
		const found = () => {
			const files = [path, `${path}-wal`].filter((file) => existsSync(file));
			const bytes = files.map((file) => readFileSync(file).toString("latin1")).join("");
			return [bytes.includes(PAYLOAD), bytes.includes(RESPONSE)];
		};
		expect(found()).toEqual([true, true]);

		let isRemoved = false;
		const removed = remove(test, eventIds).finally(() => (isRemoved = true));
		for (let elapsedMs = 0; elapsedMs < SOON_MS; elapsedMs += isRemoved ? SECOND_MS : 0) {
			await passTurns();
			clock.advance(isRemoved ? SECOND_MS : 1);
		}
		await removed;
		await passTurns();
		expect(found()).toEqual([false, false]);
		expect(engine.observer.problems).toEqual([]);
	});
});
