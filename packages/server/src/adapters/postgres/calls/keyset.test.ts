// Keyset paging: cursors that are no row's.
import { expect, it } from "vitest";

import { FIRST_UUID } from "../codec/ids.ts";
import { partConditions, readPage, type Part } from "./keyset.ts";

const RANGE = { low: FIRST_UUID, high: null };

it("takes a cursor at the very end of the ids", async () => {
	const parts: Part[] = [];
	const cursor = { direction: "newer", id: "webhook_ffffffff-ffff-ffff-ffff-ffffffffffff" } as const;
	const page = await readPage("webhook", { limit: 3, cursor }, RANGE, async (part) => {
		parts.push(part);
		return { rows: [], stoppedAt: null };
	});
	expect(page).toEqual({ rows: [], hasNewer: false, hasOlder: false });
	const values: unknown[] = [];
	for (const part of parts) partConditions(part, values);
	expect(values.filter((value) => !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(value)))).toEqual([]);
});
