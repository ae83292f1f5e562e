import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { systemChance } from "../adapters/system/system-chance.ts";
import { createIdMaker, ID_PREFIXES, isId, isProjectId, makeProjectId } from "./ids.ts";

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

	it("are recognized by their form", () => {
		expect(isId("evt", "evt_1")).toBe(false);
		expect(isId("evt", createIdMaker(systemChance).make("dlv", 1))).toBe(false);
		expect(isProjectId(makeProjectId(systemChance))).toBe(true);
		expect(isProjectId("proj_xyz")).toBe(false);
	});
});
