// CSV: what a spreadsheet reads, and what it must never run.
import { describe, expect, it } from "vitest";

import { csvLine, csvTime } from "./csv.ts";

describe("a line of CSV", () => {
	it("has numbers and texts as they are, nothing for null, and the line end of RFC 4180", () => {
		expect(csvLine(["billing", 503, null, 0, "", "Zoë €"])).toBe("billing,503,,0,,Zoë €\r\n");
	});

	it.each([
		['say "hi"', '"say ""hi"""'],
		["a,b", '"a,b"'],
		["a;b", '"a;b"'],
		["two\r\nlines", '"two\r\nlines"'],
		[" padded ", '" padded "'],
	])("quotes %j", (text, expected) => expect(csvLine([text])).toBe(`${expected}\r\n`));

	it.each([
		["=1+1", "'=1+1"],
		["+1", "'+1"],
		["-1", "'-1"],
		["@SUM(A1)", "'@SUM(A1)"],
		["＝1+1", "'＝1+1"],
		["  =1", "'  =1"],
		["\t=1", `"'\t'=1"`],
		["\r=1", `"'\r'=1"`],
		// Where the separator is another character, these would begin a cell.
		["a,=1", `"a,'=1"`],
		["a;=1", `"a;'=1"`],
		["a\t@x", `"a\t'@x"`],
		["a\n+1", `"a\n'+1"`],
		['"=1', '"""=1"'],
	])("lets no cell begin a formula: %j", (text, expected) => expect(csvLine([text])).toBe(`${expected}\r\n`));

	it.each(["a=b", "a-b", "user@example.com", "hooks.example.com:8443", "order.paid"])("leaves %s alone", (text) =>
		expect(csvLine([text])).toBe(`${text}\r\n`),
	);

	it("has times as ISO 8601", () => {
		expect([csvTime(0), csvTime(null)]).toEqual(["1970-01-01T00:00:00.000Z", null]);
	});
});
