// The erasure of a payload that was erased already.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it, onTestFinished } from "vitest";

import { ANY_DELIVERY, fillStore, NEWEST } from "../../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../../sqlite-store.ts";

it("writes nothing if there is nothing left to erase, with deliveries or without", async () => {
	const dir = new TemporaryDir(fastParent());
	onTestFinished(() => dir[Symbol.dispose]());
	const path = dir.join("fanfare.db");
	const store = await openSqliteStore({ path });
	onTestFinished(() => store.close());
	const { scope, records, accept, projectId } = await fillStore(store);
	await accept();
	const [delivery] = (await store.deliveries(scope, ANY_DELIVERY, NEWEST)).rows;
	const alone = records.event(projectId);
	await store.commit({ events: [alone], updates: [] });
	const reader = new DatabaseSync(path, { readOnly: true });
	onTestFinished(() => reader.close());
	const version = () => reader.prepare("PRAGMA data_version").get()?.["data_version"];
	for (const eventId of [delivery?.eventId ?? "", alone.event.id]) {
		const erase = () =>
			store.erasePayload(scope, eventId, { reason: "erased", at: records.now, limit: 100, entry: records.entry() });
		expect(await erase()).toMatchObject({ changed: true, done: true });
		const before = version();
		expect(await erase()).toMatchObject({ changed: false, done: true });
		expect(version()).toBe(before);
	}
});
