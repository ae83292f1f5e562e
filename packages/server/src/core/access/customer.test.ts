// Customers: valid ids, and which webhooks an event may reach.
import { expect, it } from "vitest";

import { EVERY_CUSTOMER, isCustomerId, isFor } from "./customer.ts";

it.each([
	[null, null, true],
	["a", null, true],
	["a", "a", true],
	["a", "b", false],
	// The one who forgets the field leaks nothing.
	[null, "a", false],
	[["a", "b"], "b", true],
	[["a", "b"], "c", false],
	[["a", "b"], null, true],
	[EVERY_CUSTOMER, "a", true],
	[EVERY_CUSTOMER, null, true],
])("an event for %j and a webhook of %j: %j", (customers, webhookCustomerId, expected) => {
	expect(isFor(customers, webhookCustomerId)).toBe(expected);
});

it("ids have 1 to 128 of certain characters, so that none is taken for several customers or for all of them", () => {
	for (const id of ["a", "cus_1", "Acme.Inc:42-b", "9".repeat(128)]) expect(isCustomerId(id)).toBe(true);
	for (const id of ["", "*", "[a]", "a b", "ä", "a/b", "a\n", "9".repeat(129)]) expect(isCustomerId(id)).toBe(false);
});
