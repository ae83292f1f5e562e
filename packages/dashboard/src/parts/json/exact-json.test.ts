// What is typed as JSON.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readJson } from "./exact-json.ts";

describe("readJson", () => {
	it("keeps all digits of numbers", () => {
		const text = '{"a":12345678901234567890,"b":[1.10,1e3,-0],"c":"12345678901234567890"}';
		expect(JSON.stringify(readJson(text).value)).toBe(text);
	});

	describe("in a browser that can't write the digits of a number again", () => {
		const exact = JSON as { rawJSON?: unknown };
		const { rawJSON } = exact;
		beforeEach(() => {
			delete exact.rawJSON;
		});
		afterEach(() => {
			exact.rawJSON = rawJSON;
		});

		it.each(["12345678901234567890", "0.12345678901234567890", "-1.2345678901234567e-5", "1e400", "1e-400"])(
			"refuses %s, which would be rounded",
			(number) => {
				const message = "expected a number that this browser does not round; a newer version keeps it";
				expect(readJson(`{"a":1,\n"b":[${number}]}`).error).toEqual({ line: 2, message });
			},
		);

		it("takes numbers that keep their value, however they are written", () => {
			const text = '[0,-0,1.10,1e3,1.50E-7,100000000000000000000,0.1,"12345678901234567890"]';
			expect(readJson(text).value).toEqual(JSON.parse(text));
		});

		it.each([
			["1", "1", true],
			["0.1", "", false],
		])(
			"takes a time that grows with the length of a number, not with its square: %s000…%s",
			(start, end, isRefused) => {
				/** The CPU time for so many numbers with so many zeros. */
				const used = (numbers: number, zeros: number) => {
					const text = `${start}${"0".repeat(zeros)}${end}`;
					const before = process.cpuUsage();
					for (let n = 0; n < numbers; n++) expect(readJson(text).error !== undefined).toBe(isRefused);
					const { user, system } = process.cpuUsage(before);
					return user + system;
				};
				/** Some times, something else is done as well, such as collecting garbage. */
				const least = (numbers: number, zeros: number) =>
					Math.min(...Array.from({ length: 5 }, () => used(numbers, zeros)));
				// As many zeros in all. With a second look at each zero behind one, this number would take a hundred times as long.
				// Where CPU time is counted in ticks, both may be 0.
				expect(least(1, 100_000)).toBeLessThan(Math.max(10 * least(100, 1_000), 20_000));
			},
		);
	});

	it.each([
		["", 1, "expected a value, but the text ends"],
		['{\n  "a": 1,\n}', 3, "expected a name in double quotes"],
		["{\n  'a': 1}", 2, "expected a name in double quotes"],
		['{"a" 1}', 1, "expected : after the name"],
		['{"a": 1\n"b": 2}', 2, "expected , or } after the value"],
		["[1\n2]", 2, "expected , or ] after the value"],
		["[01]", 1, "expected a value"],
		["[\n1,\nNaN]", 3, "expected a value"],
		['"a\nb"', 1, "expected the end of the text in quotes in the same line, with known escapes"],
		['["a\tb"]', 1, "expected no control characters, such as tabs, in a text in quotes"],
		["{}\n{}", 2, "expected nothing more after the value"],
		["[".repeat(300), 1, "expected at most 200 levels"],
	])("says what is wrong with %j, and in which line", (text, line, message) => {
		expect(readJson(text).error).toEqual({ line, message });
	});

	it("agrees with JSON.parse on what is JSON", () => {
		for (const text of [
			"0",
			"-1.5e+10",
			'"\\u00e4\\n"',
			"[]",
			"{ }",
			"[true,false,null]",
			" 1 ",
			"1.",
			".5",
			"+1",
			"1e",
			"tru",
		]) {
			let isJson = true;
			try {
				JSON.parse(text);
			} catch {
				isJson = false;
			}
			expect([text, readJson(text).error === undefined]).toEqual([text, isJson]);
		}
	});

	it("finds the line of a field, or of what it would be in", () => {
		const { lineOf } = readJson('{\n"order": {\n"lines": [\n1,\n{"price": 2}\n]\n}\n}');
		expect(
			["order.lines.1.price", "order.lines.0", "order.lines.1.sku", "order.total", "nothing", ""].map(lineOf),
		).toEqual([5, 4, 5, 2, 1, 1]);
	});
});
