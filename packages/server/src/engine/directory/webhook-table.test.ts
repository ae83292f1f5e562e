// The webhooks in memory, changed in place: always as if they had just been read.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { expect, it } from "vitest";

import { EVERY_CUSTOMER, isFor } from "../../core/access/customer.ts";
import type { WebhookSummary } from "../../ports/store/directory.ts";
import { eventTypesOf, WebhookTable } from "./webhook-table.ts";

const TYPES = ["a", "a.b", "a.b.c", "b", "fanfare.x"];
const filter = fc.option(fc.uniqueArray(fc.constantFrom(...TYPES, "a.*", "a.b.*", "fanfare.*"), { maxLength: 3 }));
/** The customer of a webhook never changes. */
const CUSTOMERS: Readonly<Record<string, string>> = { w2: "acme", w3: "acme", w4: "globex" };
const summary: fc.Arbitrary<WebhookSummary> = fc
	.record({
		id: fc.constantFrom("w1", "w2", "w3", "w4"),
		projectId: fc.constant("p"),
		customerId: fc.constant(null),
		name: fc.constantFrom("one", "other"),
		rateLimit: fc.constant(null),
		disableAfterMs: fc.constant(0),
		status: fc.constantFrom("Enabled" as const, "Paused" as const),
		disabledReason: fc.constant(null),
		pausedReason: fc.constant(null),
		revision: fc.nat({ max: 9 }),
		eventTypesJson: filter.map((types) => (types === null ? null : JSON.stringify(types))),
		deleteDate: fc.option(fc.constant(1)),
	})
	.map((one) => ({ ...one, customerId: CUSTOMERS[one.id] ?? null }));

function wants(webhook: WebhookSummary, type: string): boolean {
	const types = eventTypesOf(webhook);
	if (types === null) return !type.startsWith("fanfare.");
	return types.some((entry) => (entry.endsWith(".*") ? type.startsWith(entry.slice(0, -1)) : type === entry));
}

it("matches and finds by the newest revision of each webhook, in whatever order they come", () => {
	fc.assert(
		fc.property(fc.array(summary, { maxLength: 20 }), (all) => {
			const table = new WebhookTable();
			const newest = new Map<string, WebhookSummary>();
			for (const one of all) {
				table.put(one);
				if ((newest.get(one.id)?.revision ?? -1) <= one.revision) newest.set(one.id, one);
			}
			const live = [...newest.values()].filter(({ deleteDate }) => deleteDate === null);
			const inStatus = (status: string) => live.filter((one) => one.status === status).length;
			expect(table.counts).toEqual({ Enabled: inStatus("Enabled"), Paused: inStatus("Paused"), Disabled: 0 });
			for (const type of TYPES) {
				for (const customers of [null, "acme", "nobody", ["globex", "acme"], EVERY_CUSTOMER]) {
					const found = table.match("p", type, customers).map(({ id }) => id);
					expect(found.toSorted()).toEqual(
						live
							.filter((one) => wants(one, type) && isFor(customers, one.customerId))
							.map(({ id }) => id)
							.toSorted(),
					);
					expect(table.match("other", type, customers)).toEqual([]);
				}
			}
			for (const customerId of ["acme", "globex", "nobody"]) {
				const ids = live.filter((one) => one.customerId === customerId).map(({ id }) => id);
				const found = table.ofCustomer("p", customerId).map(({ id }) => id);
				expect(found.toSorted()).toEqual(ids.toSorted());
			}
			for (const one of newest.values()) {
				expect(table.find(one.id)).toEqual(one);
				expect(table.findIn("p", one.id)).toEqual(one.deleteDate === null ? one : undefined);
				expect(table.isDeliverable(one.id)).toBe(one.deleteDate === null && one.status === "Enabled");
			}
			expect(table.removeProject("p", 5).toSorted()).toEqual(live.map(({ id }) => id).toSorted());
			expect(TYPES.flatMap((type) => table.match("p", type, EVERY_CUSTOMER))).toEqual([]);
		}),
		{ numRuns: runs(60) },
	);
});
