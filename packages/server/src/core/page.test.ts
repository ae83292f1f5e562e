import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { systemChance } from "../adapters/system/system-chance.ts";
import { createIdMaker, isId } from "./ids.ts";
import { decodeCursor, encodeCursor, pageCursors, type Cursor } from "./page.ts";

const isEventId = (id: string) => isId("evt", id);
const cursor: fc.Arbitrary<Cursor> = fc.record({
	direction: fc.constantFrom("older" as const, "newer" as const),
	id: fc.integer({ min: 1, max: 2 ** 47 }).map((now) => createIdMaker(systemChance).make("evt", now)),
});

describe("cursors", () => {
	it("decode to the encoded cursor, and need no escaping in a URL", () => {
		fc.assert(
			fc.property(cursor, (one) => {
				const text = encodeCursor(one);
				expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
				expect(decodeCursor(text, isEventId)).toEqual(one);
			}),
		);
	});

	it("are refused if they are not a cursor of this list", () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9_-]{0,80}$/)), (text) => {
				expect(() => decodeCursor(text, isEventId)).toThrow(expect.objectContaining({ code: "invalid_cursor" }));
			}),
		);
		const ofAnotherList = encodeCursor({ direction: "older", id: createIdMaker(systemChance).make("dlv", 5) });
		expect(() => decodeCursor(ofAnotherList, isEventId)).toThrow(/not a cursor of this list/);
		fc.assert(
			fc.property(cursor, fc.constantFrom("=", " ", "%"), (one, more) => {
				expect(() => decodeCursor(encodeCursor(one) + more, isEventId)).toThrow(/not a cursor/);
			}),
		);
	});

	it("lead from the last row to older rows, and from the first row to newer rows", () => {
		const page = { rows: [{ id: "b" }, { id: "a" }], hasNewer: true, hasOlder: true };
		const { nextPage, prevPage } = pageCursors(page, { limit: 2, cursor: null });
		expect(decodeCursor(nextPage!, () => true)).toEqual({ direction: "older", id: "a" });
		expect(decodeCursor(prevPage!, () => true)).toEqual({ direction: "newer", id: "b" });
	});

	it("are null for a list of one page, and lead back from an empty page beyond the end", () => {
		const rows = [{ id: "b" }, { id: "a" }];
		const request = { limit: 2, cursor: null };
		expect(pageCursors({ rows, hasNewer: false, hasOlder: false }, request)).toEqual({
			nextPage: null,
			prevPage: null,
		});
		const beyond = { limit: 2, cursor: { direction: "older", id: "a" } } as const;
		const { prevPage, nextPage } = pageCursors({ rows: [], hasNewer: true, hasOlder: false }, beyond);
		expect(nextPage).toBeNull();
		expect(decodeCursor(prevPage!, () => true)).toEqual({ direction: "newer", id: "a" });
	});
});
