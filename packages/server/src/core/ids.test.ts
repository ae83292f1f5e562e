import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { systemChance } from "../adapters/system/system-chance.ts";
import { createIdMaker, deliveryIdAt, idTime, ID_PREFIXES, isId, isProjectId, makeProjectId } from "./ids.ts";

describe("ids", () => {
	it("are UUIDv7 with a prefix, and contain their creation time", () => {
		fc.assert(
			fc.property(fc.constantFrom(...ID_PREFIXES), fc.integer({ min: 1, max: 2 ** 48 - 1 }), (prefix, now) => {
				const id = createIdMaker(systemChance).make(prefix, now);
				expect(isId(prefix, id)).toBe(true);
				const uuid = id.slice(prefix.length + 1);
				expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
				expect(Number.parseInt(uuid.slice(0, 13).replace("-", ""), 16)).toBe(now);
			}),
		);
	});

	it("ascend without duplicates, even while the clock stands still or is set back", () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 1_000, max: 1_010 }), { minLength: 2, maxLength: 300 }), (times) => {
				const ids = createIdMaker(systemChance);
				const made = times.map((now) => ids.make("evt", now));
				expect(made.toSorted()).toEqual(made);
				expect(new Set(made).size).toBe(made.length);
			}),
		);
	});

	it("of an event leave room for those of its deliveries, which ascend after it", () => {
		const steps = fc.array(fc.tuple(fc.integer({ min: 1_000, max: 1_003 }), fc.nat({ max: 5 })), { maxLength: 100 });
		fc.assert(
			fc.property(steps, (made) => {
				const ids = createIdMaker(systemChance);
				const uuids = made.flatMap(([now, count]) => {
					const event = ids.makeEvent(count, now);
					const deliveries = Array.from({ length: count }, (_, index) => deliveryIdAt(event, index));
					expect(deliveries.every((id) => isId("dlv", id) && idTime(id) === idTime(event))).toBe(true);
					return [event, ...deliveries, ids.make("dlv", now)].map((id) => id.slice(4));
				});
				expect(uuids.toSorted()).toEqual(uuids);
				expect(new Set(uuids).size).toBe(uuids.length);
			}),
		);
	});

	it("of events and deliveries continue after a given id, and others don't", () => {
		const ids = createIdMaker(systemChance);
		const ahead = createIdMaker(systemChance).makeEvent(3, 9_000);
		const last = deliveryIdAt(ahead, 2);
		ids.continueAfter(last);
		const next = ids.make("evt", 1_000);
		expect(next.slice(4) > last.slice(4)).toBe(true);
		expect(idTime(next)).toBe(9_000);
		expect(idTime(ids.make("aud", 1_000))).toBe(1_000);
		ids.continueAfter(createIdMaker(systemChance).make("evt", 1_000));
		expect(ids.make("dlv", 1_000).slice(4) > next.slice(4)).toBe(true);
		expect(idTime(ids.make("evt", 9_500))).toBe(9_500);
	});

	it("are recognized by their form", () => {
		expect(isId("evt", "evt_1")).toBe(false);
		expect(isId("evt", createIdMaker(systemChance).make("dlv", 1))).toBe(false);
		expect(isProjectId(makeProjectId(systemChance))).toBe(true);
		expect(isProjectId("proj_xyz")).toBe(false);
	});
});
