// What the file keeps of a replay that has ended.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { setWebhook } from "../../../../ports/contract/store/records/records.ts";
import { openReplayWorld } from "../../../../ports/contract/store/records/replays.ts";
import { openSqliteStore } from "../../sqlite-store.ts";

it("is no list of the events that were chosen for it, whether it has finished, was cancelled, or lost its webhook", async () => {
	using dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	const store = await openSqliteStore({ path });
	const world = await openReplayWorld(() => store);
	const { miss, begin, step, records, webhookId } = world;
	const events = [await miss(), await miss(), await miss()];
	const chosen = async () => begin({ until: records.now + 1 }, { chosenCount: 3 }, events);
	using db = new DatabaseSync(path, { readOnly: true });
	const kept = () =>
		db
			.prepare("SELECT status, json_array_length(chosen) AS chosen, chosen_count FROM replays ORDER BY id")
			.all()
			.map(({ status, chosen: list, chosen_count: count }) => [status, list, count]);
	const first = await chosen();
	await step(first, { scanLimit: 2 });
	expect(kept()).toEqual([[0, 3, 3]]);
	expect(await step(first)).toMatchObject({ status: "Finished", scannedCount: 3, chosenCount: 3 });
	await store.cancelReplay((await chosen()).id, records.now, null);
	const last = await chosen();
	expect(kept()).toEqual([
		[1, null, 3],
		[2, null, 3],
		[0, 3, 3],
	]);
	await setWebhook(store, webhookId, { deleteDate: records.now });
	expect(await step(last)).toMatchObject({ status: "Cancelled" });
	expect(kept().map(([, list]) => list)).toEqual([null, null, null]);
	await store.close();
});
