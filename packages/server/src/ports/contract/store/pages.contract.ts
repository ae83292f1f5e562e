// The contract of pages, which all lists share: they stay correct while rows are added and deleted.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { CurrentStore } from "./records/records.ts";
import { addWebhook, ANY_DELIVERY, changeWebhook, fillStore, idsOf, type World } from "./records/records.ts";
import { ANY_WEBHOOK, allWebhooks } from "./records/webhooks.ts";

type Read = (request: PageRequest) => Promise<Page<{ readonly id: string }>>;

export function describePages(current: CurrentStore): void {
	describeUnchangedRows(current);
	describeChangingRows(current);
	describeMovingRows(current);
}

function describeUnchangedRows(current: CurrentStore): void {
	it("visits each row once on the way to the oldest, and once on the way back", async () => {
		const world = await fillStore(current());
		const ids: string[] = [];
		for (let n = 0; n < 25; n++) ids.push(...(await world.accept()));
		for (const limit of [1, 7, 25, 26]) {
			const pages = await walk((request) => world.store.deliveries(world.scope, ANY_DELIVERY, request), limit);
			expect(pages.flat()).toEqual(ids.toReversed());
			expect(pages).toHaveLength(Math.ceil(25 / limit));
		}
	});

	it("says for each page whether there are newer and older rows", async () => {
		const { store, scope, accept } = await fillStore(current());
		const [a = "", b = "", c = ""] = [...(await accept()), ...(await accept()), ...(await accept())];
		const read = async (direction: "older" | "newer", id: string) => {
			const page = await store.deliveries(scope, ANY_DELIVERY, { limit: 1, cursor: { direction, id } });
			return [idsOf(page), page.hasNewer, page.hasOlder];
		};
		expect(await read("older", c)).toEqual([[b], true, true]);
		expect(await read("older", b)).toEqual([[a], true, false]);
		expect(await read("older", a)).toEqual([[], true, false]);
		expect(await read("newer", a)).toEqual([[b], true, true]);
		expect(await read("newer", b)).toEqual([[c], false, true]);
		expect(await read("newer", c)).toEqual([[], false, true]);
	});

	it("counts only rows that match the filter as newer or older rows", async () => {
		const { store, scope, accept, update, records } = await fillStore(current());
		const [a = "", b = "", c = ""] = [...(await accept()), ...(await accept()), ...(await accept())];
		await update(records.outcome(b, 1));
		const filter = { ...ANY_DELIVERY, statuses: ["Succeeded"] as const };
		const older = await store.deliveries(scope, filter, { limit: 5, cursor: { direction: "older", id: c } });
		expect([idsOf(older), older.hasNewer, older.hasOlder]).toEqual([[b], false, false]);
		const newer = await store.deliveries(scope, filter, { limit: 5, cursor: { direction: "newer", id: a } });
		expect([idsOf(newer), newer.hasNewer, newer.hasOlder]).toEqual([[b], false, false]);
	});

	it("visits each event once, with and without a filter", async () => {
		const { store, scope, accept } = await fillStore(current());
		for (let n = 0; n < 10; n++) await accept({ type: n % 2 === 0 ? "a.b" : "c.d" });
		for (const type of [null, "a.b"]) {
			const filter = { types: type === null ? null : [type], after: null, before: null };
			const pages = await walk((request) => store.events(scope, filter, request), 3);
			expect(new Set(pages.flat()).size).toBe(type === null ? 10 : 5);
		}
	});
}

function describeChangingRows(current: CurrentStore): void {
	it("visits each row that stays exactly once while rows are added and deleted between pages", async () => {
		const world = await fillStore(current());
		await fc.assert(
			fc.asyncProperty(moves, fc.integer({ min: 1, max: 5 }), async (sequence, limit) => {
				await checkWalk(await addProject(world, 12), sequence, limit);
			}),
			{ numRuns: 40 },
		);
	});
}

/** Between two pages: a delivery changes, or an event with a delivery for each webhook is accepted. */
const deliveryMoves = fc.array(
	fc.record({ kind: fc.constantFrom("succeed", "fail", "cancel", "hold", "accept"), which: fc.nat() }),
	{ maxLength: 24 },
);

function describeMovingRows(current: CurrentStore): void {
	it("visits each delivery exactly once, in both directions, while deliveries change and events are accepted between pages", async () => {
		const world = await fillStore(current());
		await fc.assert(
			fc.asyncProperty(deliveryMoves, fc.integer({ min: 1, max: 4 }), async (sequence, limit) => {
				await checkMovingWalk(await addProject(world, 3), sequence, limit);
			}),
			{ numRuns: 25 },
		);
	});
}

/** Pages to the oldest delivery and back, and makes the next change after each page. */
async function checkMovingWalk(
	{ store, records, projectId, scope, webhookIds }: World,
	sequence: readonly { kind: string; which: number }[],
	limit: number,
): Promise<void> {
	const ids: string[] = [];
	const accept = async () => {
		const event = records.event(projectId, { webhookIds });
		await store.commit({ events: [event], updates: [] });
		ids.push(...event.deliveries.map(({ id }) => id));
	};
	const next = sequence[Symbol.iterator]();
	const disturb = async () => {
		const { kind, which } = next.next().value ?? {};
		if (kind === undefined || which === undefined) return;
		if (kind === "accept") return accept();
		const deliveryId = ids[which % ids.length] ?? "";
		const byHand = (type: "cancel" | "hold") => ({
			deliveryId,
			change: { type, reason: "by hand" },
			attempt: null,
			at: records.now,
		});
		const updates = {
			succeed: () => records.outcome(deliveryId, 1),
			fail: () => records.failure(deliveryId, 1),
			cancel: () => byHand("cancel"),
			hold: () => byHand("hold"),
		};
		await store.commit({ events: [], updates: [updates[kind as keyof typeof updates]()] });
	};
	const read = async (request: PageRequest) => {
		const page = await store.deliveries(scope, ANY_DELIVERY, request);
		await disturb();
		return page;
	};
	for (let n = 0; n < 6; n++) await accept();

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
async function addProject(world: World, webhookCount: number): Promise<World> {
	const { store, records } = world;
	const project = records.project();
	await store.insertProject(project, null);
	const webhooks = Array.from({ length: webhookCount }, () => records.webhook(project.id));
	for (const webhook of webhooks) await store.insertWebhook(webhook, null);
	return { ...world, projectId: project.id, scope: projectScope(project.id), webhookIds: webhooks.map(({ id }) => id) };
}

/**
 * Walks to the oldest row and back, checks that both ways saw the same rows, and returns the pages of the first way.
 */
async function walk(read: Read, limit: number): Promise<string[][]> {
	const there: string[][] = [];
	let page = await read({ limit, cursor: null });
	for (;;) {
		expect(page.rows.length).toBeLessThanOrEqual(limit);
		there.push(idsOf(page));
		const last = page.rows.at(-1);
		if (!page.hasOlder || last === undefined) break;
		page = await read({ limit, cursor: { direction: "older", id: last.id } });
	}
	const back: string[][] = [idsOf(page)];
	while (page.hasNewer) {
		const first = page.rows[0]?.id ?? "";
		page = await read({ limit, cursor: { direction: "newer", id: first } });
		back.unshift(idsOf(page));
	}
	expect(back.flat()).toEqual(there.flat());
	return there;
}

/** Between two pages: how many webhooks are made, and which of the existing ones are deleted (by index). */
const moves = fc.array(
	fc.record({ made: fc.nat({ max: 2 }), deleted: fc.array(fc.nat({ max: 30 }), { maxLength: 3 }) }),
	{
		maxLength: 8,
	},
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
	const pages = await walk((request) => store.webhooks(scope, ANY_WEBHOOK, request), limit);
	expect(pages.flat()).toEqual(present);
}
