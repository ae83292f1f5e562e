// Times, tables and text of others, as the command shows them.
import { globSync, readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { printable, printableJson } from "./printable.ts";
import { renderFields, renderTable, widthOf, type Column } from "./table.ts";
import { exactTime, parseDuration, parseTime, relativeTime, shortDuration } from "./times.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

describe("times", () => {
	it.each([
		["90s", NOW - 90_000],
		["1.5h", NOW - 5_400_000],
		["7d", NOW - 604_800_000],
		["now", NOW],
		["2026-01-31T12:00:00Z", Date.parse("2026-01-31T12:00:00Z")],
		["2026-01-31", new Date(2026, 0, 31).getTime()],
		["1767225600000", 1_767_225_600_000],
	])("%s is parsed", (text, expected) => expect(parseTime(text, NOW)).toBe(expected));

	it.each(["", "yesterday", "1767225600", "-5m", "5", "2026-13-01", "5 parsecs"])("%j is refused", (text) => {
		expect(() => parseTime(text, NOW)).toThrow(/must be/);
	});

	it.each([
		["500ms", 500],
		["0s", 0],
		["2w", 1_209_600_000],
	])("the duration %s is parsed", (text, ms) => expect(parseDuration(text)).toBe(ms));

	it("are shown as seen from now, in the largest unit of which there are two", () => {
		const shown = [-3_000, -119_000, -120_000, 7_200_000, 0].map((ms) => relativeTime(NOW + ms, NOW));
		expect(shown).toEqual(["3 s ago", "119 s ago", "2 min ago", "in 2 h", "now"]);
		expect(shortDuration(210)).toBe("210 ms");
		expect(relativeTime(NOW + 86_400_000, NOW + 300)).toBe("in 24 h");
	});

	it("are shown exactly, with the offset of the time zone", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
				expect(Date.parse(exactTime(ms).replace(" ", "T").replace(" ", ""))).toBe(ms);
			}),
		);
	});
});

describe("tables", () => {
	const columns: Column<readonly string[]>[] = [
		{ title: "name", value: ([name = ""]) => name, flexible: true },
		{ title: "note", value: ([, note = ""]) => note, flexible: true, optional: 1 },
		{ title: "id", value: () => "id_1234" },
	];

	it("are never wider than the terminal if their ids fit, and never cut an id", () => {
		const text = fc.string({ unit: "grapheme", maxLength: 60 });
		fc.assert(
			fc.property(
				fc.array(fc.tuple(text, text), { maxLength: 5 }),
				fc.integer({ min: 20, max: 100 }),
				(rows, width) => {
					for (const line of renderTable(columns, rows, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
					for (const line of renderTable(columns, rows, width).slice(1)) expect(line).toContain("id_1234");
				},
			),
		);
	});

	it("have the widest column that is not cut in lines of its own where it does not fit beside the others", () => {
		const rows = [
			["✗ Failed", "invoice.created", "Billing", "dlv_01a22a6e-8b12-74e4-8e53-12a27cbd3df0"],
			["✓ Succeeded", "order.paid", "Warehouse", "dlv_01a22a6e-a1b3-77d2-9f54-e114d2833247"],
		] as const;
		const deliveries: Column<(typeof rows)[number]>[] = [
			{ title: "state", value: ([state]) => state },
			{ title: "type", value: ([, type]) => type, flexible: true },
			{ title: "webhook", value: ([, , webhook]) => webhook, flexible: true },
			{ title: "id", value: ([, , , id]) => id },
		];
		expect(renderTable(deliveries, rows, 60)).toEqual([
			"state        type             webhook",
			"  id",
			"✗ Failed     invoice.created  Billing",
			"  dlv_01a22a6e-8b12-74e4-8e53-12a27cbd3df0",
			"✓ Succeeded  order.paid       Warehouse",
			"  dlv_01a22a6e-a1b3-77d2-9f54-e114d2833247",
		]);
		expect(renderTable(deliveries, rows, 30).slice(3, 4)).toEqual(["  dlv_01a22a6e-8b12-74e4-8e53-12a27cbd3df0"]);
		expect(renderTable(deliveries, rows, 74)).toHaveLength(3);
		for (let width = 42; width <= 100; width++)
			for (const line of renderTable(deliveries, rows, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
	});

	it("are aligned, also with wide characters", () => {
		const [, first = "", second = ""] = renderTable(
			columns,
			["日本 x", "abcdef y"].map((row) => row.split(" ")),
			Infinity,
		);
		const beforeId = (line: string) => widthOf(line.slice(0, line.indexOf("id_")));
		expect(beforeId(first)).toBe(beforeId(second));
	});

	it("of fields leave out what is null, and indent further lines", () => {
		const fields: [string, string | null][] = [
			["A", "1\n2"],
			["Long", null],
		];
		expect(renderFields([...fields, ["BB", "3"]])).toEqual(["A   1", "    2", "BB  3"]);
	});

	it("of fields wrap sentences under themselves, and leave ids and JSON whole", () => {
		const fields = [
			["Reason", "exhausted after 3 attempts: the receiver responded with 503"],
			["Event", "evt_01a22a6e-8b12-74e4-8e53-129f7cbd3df0 (order.paid)"],
			["Body", '{"error":"upstream connect error"}'],
		] as const;
		expect(renderFields(fields, 40)).toEqual([
			"Reason  exhausted after 3 attempts: the",
			"        receiver responded with 503",
			"Event   evt_01a22a6e-8b12-74e4-8e53-129f7cbd3df0",
			"        (order.paid)",
			'Body    {"error":"upstream connect error"}',
		]);
		expect(renderFields(fields)).toHaveLength(3);
	});
});

it("text of others has no control characters left", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary" }), (text) => {
			// oxlint-disable-next-line no-control-regex -- these must be gone
			expect(printable(text)).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202A-\u202E]/);
		}),
	);
	expect(printable("a\nb\u001B[2J", { lines: true })).toBe("a\nb\\x1b[2J");
});

it("JSON with text of others has no control characters left, and the same values", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary" }), (text) => {
			const printed = printableJson({ [text]: text });
			// oxlint-disable-next-line no-control-regex -- these must be gone
			expect(printed).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/);
			expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify({ [text]: text })));
		}),
	);
	expect(printableJson({ name: "\u009B2J\u202E" })).toBe(String.raw`{"name":"\u009b2J\u202e"}`);
});

it("no command prints JSON that a terminal would obey: all of it is made by printableJson", () => {
	const src = new URL("../", import.meta.url);
	const files = globSync("**/*.ts", { cwd: src, exclude: ["**/*.test.ts"] });
	expect(files.length).toBeGreaterThan(50);
	const printing = files.filter((file) =>
		/(?:data|write)\([^;]*?JSON\.stringify/.test(
			readFileSync(new URL(file, src), "utf8").replaceAll("writePrivateFile(", ""),
		),
	);
	expect(printing).toEqual([]);
});
