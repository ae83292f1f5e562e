// What a host may set, and that text stays readable whatever it sets.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkLook, contrast, readable } from "./look.ts";

describe("a look", () => {
	it("is taken as it is if it is right", () => {
		expect(
			checkLook({ accent: "#0A7", background: "rgb(16, 20 30)", radius: 24, font: "Inter, Noto Sans", scheme: "dark" }),
		).toEqual({
			accent: "#00aa77",
			background: "#10141e",
			radius: 24,
			font: "Inter, Noto Sans",
			scheme: "dark",
		});
	});

	it.each([
		{ accent: "red; background: url(//evil.example)" },
		{ accent: "url(#a)" },
		{ accent: "#12345" },
		{ accent: "var(--x)" },
		{ background: "rgb(300, 0, 0)" },
		{ background: 7 },
		{ radius: "8px; color: red" },
		{ radius: -1 },
		{ radius: 33 },
		{ radius: Number.NaN },
		{ font: 'Inter"; src: url(//evil.example)' },
		{ font: "url(//evil.example/f.woff2)" },
		{ font: "x".repeat(300) },
		{ scheme: "dark; color: red" },
		{ other: "#fff" },
		null,
		"#fff",
		undefined,
	])("leaves out what is not right: %j", (value) => {
		expect(checkLook(value)).toEqual({});
	});

	it("never gives a value that could be more than a colour, a number or a list of names", () => {
		fc.assert(
			fc.property(fc.string(), fc.string(), (color, font) => {
				const { accent = "#000000", font: names = "a" } = checkLook({ accent: color, font });
				expect(accent).toMatch(/^#[\da-f]{6}$/);
				expect(names).not.toMatch(/["'();:{}\\/<>]/);
			}),
			{ numRuns: runs(200) },
		);
	});
});

describe("text in the accent", () => {
	it("can be read on every background", () => {
		const color = fc.integer({ min: 0, max: 0xff_ff_ff }).map((value) => `#${value.toString(16).padStart(6, "0")}`);
		fc.assert(
			fc.property(color, fc.constantFrom("#ffffff", "#f4f4f4", "#14161b", "#202226"), (accent, background) => {
				expect(contrast(readable(accent, [background]), background)).toBeGreaterThanOrEqual(4.5);
			}),
			{ numRuns: runs(200) },
		);
	});
});
