// The contract of the limits of customers: how many a project keeps something of, and how large that is.
import { expect, it } from "vitest";

import { customerScope } from "../../../core/access/principal.ts";
import type { CustomerChanges } from "../../store/customers.ts";
import { addWebhook, fillStore, NEWEST, type CurrentStore, type World } from "./records/records.ts";

/** A count is not older than this. */
const LATER_MS = 1_000;

export function describeCustomerTotals(current: CurrentStore): void {
	/** Changes a customer of a project as if the limits were these; the refusal, or null. */
	const changing = (world: World, maxCustomers: number, maxCustomerBytes = 1_000_000, projectId = world.projectId) => {
		const limits = { maxCustomers, maxCustomerBytes };
		return async (customerId: string, changes: CustomerChanges): Promise<string | null> => {
			const options = { at: world.records.now, entry: null, limits };
			const result = await world.store.updateCustomer(customerScope(projectId, customerId), changes, options);
			return typeof result === "string" ? result : null;
		};
	};

	it("keeps a name or metadata for at most so many customers; those of whom nothing is kept do not count", async () => {
		const world = await fillStore(current(), 0);
		const { store, records, projectId, scope } = world;
		await addWebhook(store, records.webhook(projectId, { customerId: "nameless" }));
		const change = changing(world, 3);
		expect(await change("a", { name: "A" })).toBeNull();
		expect(await change("b", { metadata: { k: "v" } })).toBeNull();
		expect(await change("empty", { name: null, metadata: {} })).toBeNull();
		expect(await change("c", { name: "C" })).toBeNull();
		for (const id of ["d", "nameless", "empty"]) expect(await change(id, { name: "D" })).toBe("too_many_customers");
		const { rows } = await store.customers(scope, null, NEWEST);
		expect(rows.map(({ id, name }) => [id, name])).toEqual([
			["a", "A"],
			["b", null],
			["c", "C"],
			["empty", null],
			["nameless", null],
		]);
		// A known one changes, and one of which nothing is kept any more makes room.
		expect(await change("c", { name: "C2", metadata: { k: "v" } })).toBeNull();
		expect(await change("b", { metadata: {} })).toBeNull();
		expect(await change("d", { name: "D" })).toBeNull();
		expect(await change("b", { name: "B" })).toBe("too_many_customers");
		// Another project has room of its own, and a project that has too many may still have less.
		const other = records.project();
		await store.insertProject(other, null);
		expect(await changing(world, 1, 100, other.id)("a", { name: "A" })).toBeNull();
		const tight = changing(world, 1, 1);
		expect(await tight("a", { name: "B" })).toBeNull();
		expect(await tight("a", { name: null })).toBeNull();
		expect(await tight("a", { name: "A" })).toBe("too_many_customers");
	});

	it("keeps names and metadata of at most so many bytes, which each change counts exactly", async () => {
		const world = await fillStore(current(), 0);
		const sizes = { a: { name: "ä".repeat(10), metadata: {} }, b: { metadata: { key: "x".repeat(100) } } };
		// In UTF-8, with the braces, quotes and colon of the metadata.
		const bytes = 20 + 2 + (100 + 11 - 1);
		const change = changing(world, 10, bytes + 5);
		for (const [id, changes] of Object.entries(sizes)) expect(await change(id, changes)).toBeNull();
		expect(await change("c", { name: "1234" })).toBe("customers_too_large");
		expect(await change("c", { name: "123" })).toBeNull();
		expect(await change("c", { name: "1234" })).toBe("customers_too_large");
		expect(await change("b", { metadata: { key: "x".repeat(99) } })).toBeNull();
		expect(await change("c", { name: "1234" })).toBeNull();
		expect((await world.store.customer(customerScope(world.projectId, "c")))?.name).toBe("1234");
		// After a second, what is counted anew is the same.
		world.records.now += LATER_MS;
		expect(await change("c", { name: "12345" })).toBe("customers_too_large");
		expect(await change("a", { name: "ä".repeat(9) })).toBeNull();
		expect(await change("c", { name: "123456" })).toBeNull();
	});

	it("has room again when a customer is deleted", async () => {
		const world = await fillStore(current(), 0);
		const { store, records, projectId } = world;
		const change = changing(world, 2);
		for (const id of ["a", "b"]) expect(await change(id, { name: id })).toBeNull();
		expect(await change("c", { name: "c" })).toBe("too_many_customers");
		const scope = customerScope(projectId, "a");
		await store.beginCustomerDeletion(scope, { at: records.now, draft: null, entry: null });
		await store.endCustomerDeletion(scope, null);
		records.now += LATER_MS;
		expect(await change("c", { name: "c" })).toBeNull();
		expect(await change("a", { name: "a" })).toBe("too_many_customers");
	});
}
