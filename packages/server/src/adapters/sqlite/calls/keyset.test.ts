// A page stays within its time range, wherever its cursor points.
import { expect, it } from "vitest";

import type { Cursor } from "../../../core/page.ts";
import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../sqlite-store.ts";

it("stays within its time range on both sides, even if the cursor is outside of it", async () => {
	const { store, records, projectId, scope } = await fillStore(await openSqliteStore({ path: ":memory:" }));
	const startedAt = records.now;
	const ids: string[] = [];
	for (let n = 0; n < 5; n++) {
		records.now = startedAt + n * 1_000;
		const event = records.event(projectId);
		await store.commit({ events: [event], updates: [] });
		ids.push(event.event.id);
	}
	const [oldest = "", , middle = "", , newest = ""] = ids;
	const read = async (fromMs: number, toMs: number, direction: Cursor["direction"], id: string) => {
		const filter = { types: null, after: startedAt + fromMs, before: startedAt + toMs };
		const { rows, hasNewer, hasOlder } = await store.events(scope, filter, { limit: 9, cursor: { direction, id } });
		return { ids: rows.map((row) => row.id), hasNewer, hasOlder };
	};
	expect(await read(1_500, 2_500, "older", newest)).toEqual({ ids: [middle], hasNewer: false, hasOlder: false });
	expect(await read(1_500, 2_500, "newer", oldest)).toEqual({ ids: [middle], hasNewer: false, hasOlder: false });
	expect(await read(1_500, 2_500, "older", oldest)).toEqual({ ids: [], hasNewer: true, hasOlder: false });
	expect(await read(1_500, 2_500, "newer", newest)).toEqual({ ids: [], hasNewer: false, hasOlder: true });
	const nothing = { ids: [], hasNewer: false, hasOlder: false };
	for (const direction of ["older", "newer"] as const) {
		for (const id of [oldest, middle, newest]) expect(await read(2_200, 2_800, direction, id)).toEqual(nothing);
	}
	await store.close();
});
