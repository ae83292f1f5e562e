// Commits with many outcomes, whose deliveries are taken together.
import { describe, expect, it } from "vitest";

import { attemptsOf, fillStore } from "../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../sqlite-store.ts";

const COUNT = 40;

async function setUp() {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }), COUNT);
	const deliveryIds = await world.accept({ webhookIds: world.webhookIds });
	const statuses = () => Promise.all(deliveryIds.map(async (id) => (await world.state(id)).status));
	return { ...world, deliveryIds, statuses };
}

describe("a commit with many outcomes", () => {
	it("makes all of its changes in order, also two of the same delivery", async () => {
		const { records, deliveryIds, update, statuses, state, store, scope } = await setUp();
		const [first = "", second = "", third = ""] = deliveryIds;
		const last = deliveryIds.at(-1) ?? "";
		const cancel = (deliveryId: string) =>
			({ deliveryId, change: { type: "cancel", reason: "by hand" }, attempt: null, at: records.now }) as const;
		const { updates } = await update(
			...deliveryIds.slice(2).map((id) => records.outcome(id, 1)),
			records.outcome(last, 2),
			// By now it has succeeded.
			cancel(third),
			cancel(first),
			records.outcome(first, 1),
			records.failure(second, 1),
			records.outcome(second, 2),
			records.outcome(third, 2),
		);
		expect(updates.filter((each) => each?.changed === false)).toHaveLength(1);
		expect(updates).not.toContain(null);
		expect(await statuses()).toEqual(["Cancelled", ...Array.from({ length: COUNT - 1 }, () => "Succeeded")]);
		expect(await state(second)).toMatchObject({ attemptCount: 2, autoAttemptCount: 2 });
		for (const id of [second, third, last]) expect(await attemptsOf({ store, scope }, id)).toHaveLength(2);
		await store.close();
	});

	it("returns null for those that there are not, at their places", async () => {
		const { records, deliveryIds, update, store } = await setUp();
		const unknown = records.outcome(records.ids.make("dlv", records.now), 1);
		const outcomes = deliveryIds.map((id) => records.outcome(id, 1));
		const { updates } = await update(...outcomes.slice(0, 20), unknown, ...outcomes.slice(20));
		expect(updates.map((each) => each?.state.status ?? null)).toEqual([
			...Array.from({ length: 20 }, () => "Succeeded"),
			null,
			...Array.from({ length: COUNT - 20 }, () => "Succeeded"),
		]);
		await store.close();
	});

	it("keeps both attempts of each delivery whose outcome is committed a second time", async () => {
		const { records, deliveryIds, update, statuses, store, scope } = await setUp();
		const outcomes = deliveryIds.map((id) => records.outcome(id, 1));
		await update(...outcomes);
		const { updates } = await update(...outcomes);
		expect(updates).not.toContain(null);
		expect(new Set(await statuses())).toEqual(new Set(["Succeeded"]));
		for (const id of deliveryIds) expect(await attemptsOf({ store, scope }, id)).toHaveLength(2);
		await store.close();
	});
});
