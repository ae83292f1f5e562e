// The picture of a terminal.
import { expect, it } from "vitest";

import { terminalSvg } from "./terminal-svg.ts";

const texts = (output: string) =>
	[
		...terminalSvg(output, { columns: 40, title: "t" }).matchAll(
			/<text x="([\d.]+)" y="(\d+)" fill="(#\w+)"[^>]*?( font-weight="700")?>([^<]*)</g,
		),
	].map(([, x, y, color, bold, text]) => ({ x: Number(x), y: Number(y), color, isBold: bold !== undefined, text }));

it("keeps the place, the colour and the weight of each text, and escapes what XML would read", () => {
	const found = texts('\u001B[32m✓\u001B[39m  a < b & "c"\r\n\n   \u001B[1mbold\u001B[22m \u001B[2mdim\u001B[0m plain');
	expect(found.map(({ text }) => text)).toEqual(["✓", "a &lt; b &amp; &quot;c&quot;", "bold", "dim", "plain"]);
	expect(found.map(({ isBold }) => isBold)).toEqual([false, false, true, false, false]);
	expect(new Set(found.map(({ color }) => color)).size).toBe(3);
	const [first, second, third] = found;
	expect([(second?.x ?? 0) - (first?.x ?? 0), (third?.y ?? 0) - (first?.y ?? 0)]).toEqual([
		expect.closeTo(3 * 8.4),
		2 * 19,
	]);
});

it("wraps a line at the width of the terminal, and keeps columns apart", () => {
	const found = texts(`${"x".repeat(45)}  y`);
	expect(found.map(({ text }) => text)).toEqual(["x".repeat(40), "xxxxx", "y"]);
	expect((found[2]?.x ?? 0) - (found[1]?.x ?? 0)).toBeCloseTo(7 * 8.4, 0);
});

it("leaves out what moves the cursor", () => {
	expect(texts("\u001B[2K\u001B[1Ga\u001B[?25hb").map(({ text }) => text)).toEqual(["a", "b"]);
});
