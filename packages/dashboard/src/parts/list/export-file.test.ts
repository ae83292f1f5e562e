// The file of an export: how many lines have come, whatever is in their cells.
import fc from "fast-check";
import { expect, it } from "vitest";

import { LineEnds } from "./export-file.ts";

it("counts the lines of a table that comes in pieces, and not the line breaks in its cells", () => {
	const table = 'id,webhookName\r\n1,billing\r\n2,"two\r\nlines, ""quoted"""\r\n3,"\n"\r\n';
	fc.assert(
		fc.property(fc.array(fc.nat(table.length), { maxLength: 8 }), (cuts) => {
			const at = [0, ...cuts.toSorted((a, b) => a - b), table.length];
			const ends = new LineEnds();
			const counts = at.slice(1).map((end, index) => ends.in(table.slice(at[index], end)));
			expect(counts.reduce((sum, count) => sum + count)).toBe(4);
		}),
	);
});
