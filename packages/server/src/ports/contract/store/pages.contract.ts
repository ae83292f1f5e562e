// The contract of pages, which all lists share: they stay correct while rows are added and deleted.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import type { PageRequest } from "../../../core/page.ts";
import { pagesBothWays, type ReadPage } from "./records/pages.ts";
import type { CurrentStore } from "./records/records.ts";
import { addWebhook, ANY_DELIVERY, changeWebhook, fillStore, idsOf, type World } from "./records/records.ts";
import { ANY_WEBHOOK, allWebhooks } from "./records/webhooks.ts";

export function describePages(current: CurrentStore): void {
	it("have each row once on the way to the oldest and on the way back, and say whether there are newer and older rows", async () => {
		const { store, scope, acceptMany, update, records } = await fillStore(current());
		const ids = await acceptMany(25);
		const list: ReadPage = (request) => store.deliveries(scope, ANY_DELIVERY, request);
		for (const limit of [1, 7, 25, 26]) {
			const pages = await pagesBothWays(list, limit, "dlv");
			expect(pages.flat()).toEqual(ids.toReversed());
			expect(pages).toHaveLength(Math.ceil(25 / limit));
		}
		const read = async (direction: "older" | "newer", n: number, filter = ANY_DELIVERY, limit = 1) => {
			const cursor = { direction, id: ids[n] ?? "" };
			const page = await store.deliveries(scope, filter, { limit, cursor });
			return [idsOf(page), page.hasNewer, page.hasOlder];
		};
		expect(await read("older", 24)).toEqual([[ids[23]], true, true]);
		expect(await read("older", 1)).toEqual([[ids[0]], true, false]);
		expect(await read("older", 0)).toEqual([[], true, false]);
		expect(await read("newer", 0)).toEqual([[ids[1]], true, true]);
		expect(await read("newer", 23)).toEqual([[ids[24]], false, true]);
		expect(await read("newer", 24)).toEqual([[], false, true]);
		// Only rows that match the filter count as newer or older ones.
		await update(records.outcome(ids[9] ?? "", 1));
		const succeeded = { ...ANY_DELIVERY, statuses: ["Succeeded"] as const };
		expect(await read("older", 24, succeeded, 5)).toEqual([[ids[9]], false, false]);
		expect(await read("newer", 0, succeeded, 5)).toEqual([[ids[9]], false, false]);
	});

	it("have each webhook that stays exactly once while others are added and deleted between pages", async () => {
		const world = await fillStore(current());
		await fc.assert(
			fc.asyncProperty(moves, fc.integer({ min: 1, max: 5 }), async (sequence, limit) => {
				await checkWalk(await projectOf(world, 12), sequence, limit);
			}),
			{ numRuns: runs(15) },
		);
	});

	it("have each delivery exactly once, in both directions, while deliveries change and events are accepted between pages", async () => {
		const world = await fillStore(current());
		await fc.assert(
			fc.asyncProperty(deliveryMoves, fc.integer({ min: 1, max: 4 }), async (sequence, limit) => {
				await checkMovingWalk(await projectOf(world, 3), sequence, limit);
			}),
			{ numRuns: runs(12) },
		);
	});
}

/** Between two pages: a delivery changes, or an event with a delivery for each webhook is accepted. */
const deliveryMoves = fc.array(
	fc.record({ kind: fc.constantFrom("succeed", "fail", "cancel", "hold", "accept"), which: fc.nat() }),
	{ maxLength: 24 },
);

/** Pages to the oldest delivery and back, and makes the next change after each page. */
async function checkMovingWalk(
	{ store, records, projectId, scope, webhookIds, accept, update }: World,
	sequence: readonly { kind: string; which: number }[],
	limit: number,
): Promise<void> {
	const ids: string[] = [];
	const add = async () => void ids.push(...(await accept({ projectId, webhookIds })));
	const next = sequence[Symbol.iterator]();
	const disturb = async () => {
		const { kind, which } = next.next().value ?? {};
		if (kind === undefined || which === undefined) return;
		if (kind === "accept") return add();
		const id = ids[which % ids.length] ?? "";
		const updates = {
			succeed: () => records.outcome(id, 1),
			fail: () => records.failure(id, 1),
			cancel: () => records.cancel(id),
			hold: () => records.change(id, { type: "hold", reason: "by hand" }),
		};
		await update(updates[kind as keyof typeof updates]());
	};
	const read = async (request: PageRequest) => {
		const page = await store.deliveries(scope, ANY_DELIVERY, request);
		await disturb();
		return page;
	};
	for (let n = 0; n < 6; n++) await add();

	const atFirst = ids.toReversed();
	let page = await read({ limit, cursor: null });
	const older = idsOf(page);
	while (page.hasOlder) {
		page = await read({ limit, cursor: { direction: "older", id: older.at(-1) ?? "" } });
		older.push(...idsOf(page));
	}
	expect(older).toEqual(atFirst);
	const newer = idsOf(page).toReversed();
	do {
		page = await read({ limit, cursor: { direction: "newer", id: newer.at(-1) ?? "" } });
		newer.push(...idsOf(page).toReversed());
	} while (page.hasNewer);
	// What was accepted after the last page is not on it.
	expect(newer).toEqual(ids.slice(0, newer.length));
	expect(ids.length - newer.length).toBeLessThanOrEqual(webhookIds.length);
}

/** Adds a project with webhooks. Opening a store for each of many runs could take as long as all of their calls. */
async function projectOf(world: World, webhookCount: number): Promise<World> {
	const { store, records } = world;
	const { id } = await world.addProject();
	const webhooks = Array.from({ length: webhookCount }, () => records.webhook(id));
	for (const webhook of webhooks) await store.insertWebhook(webhook, null);
	return { ...world, projectId: id, scope: projectScope(id), webhookIds: webhooks.map((webhook) => webhook.id) };
}

/** Between two pages: how many webhooks are made, and which of the existing ones are deleted (by index). */
const moves = fc.array(
	fc.record({ made: fc.nat({ max: 2 }), deleted: fc.array(fc.nat({ max: 30 }), { maxLength: 3 }) }),
	{ maxLength: 8 },
);

/** Pages through webhooks, since these can be deleted, even the one that the cursor names. */
async function checkWalk(
	{ store, records, projectId, scope, webhookIds }: World,
	sequence: readonly { made: number; deleted: number[] }[],
	limit: number,
): Promise<void> {
	const alive = new Set(webhookIds);
	const fromTheStart = new Set(webhookIds);
	const webhooks = new Map((await allWebhooks(store)).map((record) => [record.id, record]));
	const disturb = async (step: number) => {
		const { made, deleted } = sequence[step] ?? { made: 0, deleted: [] };
		for (let n = 0; n < made; n++) {
			const record = await addWebhook(store, records.webhook(projectId));
			webhooks.set(record.id, record);
			alive.add(record.id);
		}
		for (const index of deleted) {
			const record = webhooks.get([...alive][index] ?? "");
			if (record === undefined) continue;
			await changeWebhook(store, record, { deleteDate: records.now });
			alive.delete(record.id);
			fromTheStart.delete(record.id);
		}
	};
	const seen: string[] = [];
	let page = await store.webhooks(scope, ANY_WEBHOOK, { limit, cursor: null });
	for (let step = 0; ; step++) {
		expect(page.rows.length).toBeLessThanOrEqual(limit);
		seen.push(...idsOf(page));
		const last = page.rows.at(-1);
		if (!page.hasOlder || last === undefined) break;
		await disturb(step);
		page = await store.webhooks(scope, ANY_WEBHOOK, { limit, cursor: { direction: "older", id: last.id } });
	}
	expect(seen).toEqual([...new Set(seen)].sort().toReversed());
	expect(seen).toEqual(expect.arrayContaining([...fromTheStart]));

	const present = [...alive].sort().toReversed();
	const pages = await pagesBothWays((request) => store.webhooks(scope, ANY_WEBHOOK, request), limit, "webhook");
	expect(pages.flat()).toEqual(present);
}
