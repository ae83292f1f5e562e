// A search among customers looks at a bounded part of the table, so that no send waits for it.
import { expect, it } from "vitest";

import { customerScope } from "../../../../core/access/principal.ts";
import type { PageRequest } from "../../../../core/page.ts";
import { fillStore } from "../../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../../sqlite-store.ts";

it("ends a page early if the metadata of the customers that it passes is large", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	await using _closing = { [Symbol.asyncDispose]: () => store.close() };
	const { projectId, scope } = await fillStore(store, 0);
	const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key${n}`, "x".repeat(512)]));
	for (let n = 0; n < 700; n++) {
		const changes = { name: n === 699 ? "The last" : null, metadata };
		await store.updateCustomer(customerScope(projectId, `c${1_000 + n}`), changes, { at: 1, entry: null });
	}
	const passed: (string | undefined)[] = [];
	for (let cursor: PageRequest["cursor"] = null; ;) {
		const { rows, hasOlder, stoppedAt } = await store.customers(scope, "last", { limit: 10, cursor });
		passed.push(rows[0]?.id ?? stoppedAt);
		if (!hasOlder || stoppedAt === undefined) break;
		cursor = { direction: "older", id: stoppedAt };
	}
	// 26 KB each, 8 MiB in a page.
	expect(passed).toEqual(["c1320", "c1641", "c1699"]);
});
