// The counts of events in exports, which those of a page of the list can lack.
import { describe, expect, it } from "vitest";

import { linesOf } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

async function withEvents() {
	const api = await caller();
	await api.call("POST", `./batch/webhooks/${await api.makeWebhook()}:pause`);
	for (let n = 0; n < 4; n++) await api.sendEvent();
	return api;
}

describe("an export of events", () => {
	it("counts the deliveries of every event, where a page of the list counts those of the first ones only", async () => {
		const api = await withEvents();
		const read = api.store.events.bind(api.store);
		// A store that counts one event a page, and one event never.
		const ids = linesOf(await api.get("./events:export")).map(({ id }) => id);
		let pages = 0;
		api.store.events = async (...parameters) => {
			pages++;
			const page = await read(...parameters);
			const first = page.rows.findIndex(({ id }) => id !== ids[1]);
			return {
				...page,
				rows: page.rows.map((row, index) => (index === first ? row : { ...row, deliveries: null })),
			};
		};
		const rows = linesOf(await api.get("./events:export"));
		expect(rows.map(({ id }) => id)).toEqual(ids);
		expect(rows.map(({ deliveries }) => deliveries !== null)).toEqual([true, false, true, true]);
		expect(pages).toBe(3);
		const csv = (await api.get("./events:export?format=csv")).text.split("\r\n");
		expect(csv[2]).toMatch(/,1,,,,,$/);
	});

	it("counts the deliveries of an event that has nearly too many, also after one that has too many", async () => {
		const api = await withEvents();
		const read = api.store.events.bind(api.store);
		const ids = linesOf(await api.get("./events:export")).map(({ id }) => id);
		// A store that never counts the first event, and the second one only in a page of its own.
		api.store.events = async (...parameters) => {
			const page = await read(...parameters);
			const isTooMuch = ({ id }: { readonly id: string }, index: number) =>
				id === ids[0] || (id === ids[1] && index > 0);
			return {
				...page,
				rows: page.rows.map((row, index) => (isTooMuch(row, index) ? { ...row, deliveries: null } : row)),
			};
		};
		const rows = linesOf(await api.get("./events:export"));
		expect(rows.map(({ id }) => id)).toEqual(ids);
		expect(rows.map(({ deliveries }) => deliveries !== null)).toEqual([false, true, true, true]);
	});

	it("counts those of fewer events at once if a page has counted nothing, since its events together have too many", async () => {
		const api = await caller();
		const events = Array.from({ length: 60 }, (_, data) => ({ type: "a", data }));
		await api.call("POST", "./events:batch", { events });
		const ids = linesOf(await api.get("./events:export")).map(({ id }) => id);
		const read = api.store.events.bind(api.store);
		// A store that counts nothing if the deliveries of a page are too many: those of five events, or of one that has very many.
		const limits: number[] = [];
		api.store.events = async (scope, filter, request) => {
			limits.push(request.limit);
			const page = await read(scope, filter, request);
			const isTooMuch = page.rows.length >= 5 || page.rows.some(({ id }) => id === ids[20]);
			return isTooMuch ? { ...page, rows: page.rows.map((row) => ({ ...row, deliveries: null })) } : page;
		};
		const rows = linesOf(await api.get("./events:export"));
		expect(rows.map(({ id }) => id)).toEqual(ids);
		expect(rows.flatMap(({ id, deliveries }) => (deliveries === null ? [id] : []))).toEqual([ids[20]]);
		expect(limits.slice(0, 6)).toEqual([250, 6, 1, 2, 4, 8]);
		expect(limits.length).toBeLessThan(events.length);
	});
});
