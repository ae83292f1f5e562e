// What addresses say, and what is dropped of them.
import { describe, expect, it } from "vitest";

import { listSearch } from "../portal/screens/deliveries/search.ts";
import { eventsSearch } from "../screens/events/search.ts";
import { deliveriesSearch, deliverySearch, filterPart } from "./search.ts";

function typesOf(count: number): string {
	return Array.from({ length: count }, (_, index) => String(index)).join(",");
}

describe("an address of deliveries", () => {
	it("keeps what can be read", () => {
		const search = { status: "Failed,Held", code: "5xx,0", cause: "refused", error: "dns", type: "order.*,user.made" };
		expect(deliveriesSearch(search)).toEqual(search);
	});

	it("keeps the delivery beside the list and its attempt, which are no part of the filter", () => {
		const search = { status: "Failed", open: "dlv_1", attempt: "3" };
		expect(deliveriesSearch(search)).toEqual(search);
		expect(deliverySearch(search)).toEqual({ status: "Failed", attempt: "3" });
		expect(filterPart(search)).toEqual({ status: "Failed" });
	});

	it.each([
		{ cause: "toString" },
		{ cause: "constructor,__proto__" },
		{ status: "failed" },
		{ code: "6xx" },
		{ code: Array.from({ length: 21 }, (_, index) => 200 + index).join(",") },
		{ error: "none" },
		{ type: "," },
		{ range: "2h" },
		{ after: "yesterday" },
		{ attempt: "0" },
		{ attempt: "1.5" },
		{ attempt: "last" },
	])("drops %j, which nothing can be shown for", (search) => {
		expect(deliveriesSearch(search)).toEqual({});
	});
});

describe("the event types of an address", () => {
	it.each([
		["order.paid", "order.paid"],
		[" order.paid,  user.* , order.paid", "order.paid,user.*"],
		["order.paid user.made", "order.paid,user.made"],
		["order.,order.paid", "order.paid"],
		[",", undefined],
		["*", undefined],
		["order..paid", undefined],
		["<b>", undefined],
		["a".repeat(257), undefined],
	])("are, of %j, %j", (given, type) => {
		const expected = type === undefined ? {} : { type };
		expect([eventsSearch({ type: given }), deliveriesSearch({ type: given })]).toEqual([expected, expected]);
	});

	it.each([
		["deliveries", deliveriesSearch, 20],
		["events", eventsSearch, 100],
	] as const)("are, of %s, as many as the server takes", (_, searchOf, max) => {
		const most = typesOf(max);
		expect(searchOf({ type: most })).toEqual({ type: most });
		expect(searchOf({ type: `${most},0` })).toEqual({ type: most });
		expect(searchOf({ type: typesOf(max + 1) })).toEqual({});
	});

	it("are one of its list in the portal", () => {
		expect(listSearch({ type: "order.paid" }).type).toBe("order.paid");
		expect([",", "a,b", 1].map((type) => listSearch({ type }).type)).toEqual([undefined, undefined, undefined]);
	});
});
