// Walks along the entries of very many owners. What they find is tested with a real database, in pages.all.test.ts and others.
import { expect, it } from "vitest";

import { FIRST_UUID } from "../../codec/ids.ts";
import type { Session } from "../../connection/session.ts";
import type { Source } from "./source.ts";
import { walk } from "./walk.ts";

it("takes the webhooks of a customer that has had hundreds of thousands", async () => {
	const source: Source = {
		table: "deliveries entry",
		key: "id",
		owner: "webhook_id",
		owners: Array.from({ length: 300_000 }, (_, n) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`),
		ownerType: "uuid",
		where: () => [],
		matches: () => [],
		cost: 1,
	};
	let statements = 0;
	const session = { query: async () => (statements++, []) } as unknown as Session;
	const part = {
		above: null,
		from: FIRST_UUID,
		below: null,
		order: "DESC",
		limit: 100,
		isLookBehind: false,
	} as const;
	expect(await walk(session, [source], { part, budget: 36_000, now: 1e12 })).toEqual({ rows: [], stoppedAt: null });
	expect(statements).toBe(1);
});
