// The tail of `open` in memory.
import { DatabaseSync } from "node:sqlite";

import fc from "fast-check";
import { expect, it } from "vitest";

import { OpenTail } from "./open-tail.ts";

/** A change, and whether its transaction is committed after it, rolled back, or goes on. */
const steps = fc.array(
	fc.record({
		change: fc.oneof(
			fc.record({ kind: fc.constant("insert" as const), webhook: fc.integer({ min: 1, max: 3 }) }),
			fc.record({ kind: fc.constant("take" as const), place: fc.nat() }),
			fc.record({ kind: fc.constant("list" as const), place: fc.nat() }),
		),
		end: fc.constantFrom("commit" as const, "rollback" as const, "none" as const),
	}),
	{ maxLength: 60 },
);

it("has the rows that were committed above the mark, and no others, as the table does", () => {
	fc.assert(
		fc.property(steps, (steps) => {
			using db = new DatabaseSync(":memory:");
			db.exec("CREATE TABLE open (seq INTEGER PRIMARY KEY, webhook INTEGER)");
			db.prepare("INSERT INTO open VALUES (1, 2), (2, 1), (3, 2)").run();
			const listing = { mark: 1 };
			const tail = new OpenTail(db, listing);
			let committed = new Map([
				[2, 1],
				[3, 2],
			]);
			let [last, staged] = [3, new Map(committed)];
			for (const { change, end } of steps) {
				if (change.kind === "insert") {
					staged.set(++last, change.webhook);
					tail.inserted(last, change.webhook);
				} else if (change.kind === "take") {
					const seq = [...committed.keys()][change.place % Math.max(1, committed.size)] ?? 0;
					staged.delete(seq);
					tail.taken(seq);
				} else {
					listing.mark = Math.max(listing.mark, [...committed.keys()][change.place % Math.max(1, committed.size)] ?? 0);
				}
				if (end === "commit") tail.commit();
				if (end === "rollback") tail.rollback();
				if (end === "commit") committed = new Map(staged);
				if (end === "rollback") staged = new Map(committed);
				const wanted = (webhook: number) =>
					[...committed].filter(([seq, of]) => seq > listing.mark && of === webhook).map(([seq]) => seq);
				for (const webhook of [1, 2, 3]) {
					expect([...tail.of(webhook)]).toEqual(wanted(webhook));
					expect(tail.byWebhook().get(webhook) ?? []).toEqual(wanted(webhook));
				}
			}
		}),
	);
});
