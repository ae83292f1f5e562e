// The numbers of events and deliveries.
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../sqlite-store.ts";

it("are not given again when the newest events are deleted, so that an idempotency key leads to no other event", async () => {
	using dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	let store = await openSqliteStore({ path });
	const { records, projectId, webhookId } = await fillStore(store);
	const keyed = () => records.event(projectId, { key: "once", webhookIds: [webhookId] });
	const first = keyed();
	await store.commit({ events: [first], updates: [] });
	await store.commit({ events: [], updates: first.deliveries.map(({ id }) => records.outcome(id, 1)) });
	records.now += 1_000;
	let after: string | null = null;
	for (let done = false; !done;) {
		const { now } = records;
		({ after, done } = await store.purgeEvents({ projectId, at: now, before: now, after, limit: 100 }));
	}
	await store.close();

	store = await openSqliteStore({ path });
	const other = records.event(projectId, { webhookIds: [webhookId] });
	await store.commit({ events: [other], updates: [] });
	const { events } = await store.commit({ events: [keyed()], updates: [] });
	expect(events).toEqual([{ kind: "accepted" }]);
	await store.close();
});
