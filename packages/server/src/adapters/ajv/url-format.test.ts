// The format `url` accepts what that of ajv-formats accepts, in linear time.
import { runs } from "@fanfare/testkit/runs";
import { fullFormats } from "ajv-formats/dist/formats.js";
import fc from "fast-check";
import { expect, it } from "vitest";

import { isUrl } from "./url-format.ts";

const original = fullFormats["url"] as RegExp;

const octets = fc.oneof(fc.integer({ min: 0, max: 260 }).map(String), fc.constantFrom("01", "010", "00", "1000", ""));
const addresses = fc
	.tuple(fc.oneof(fc.constantFrom("10", "127", "169", "172", "192", "223", "224"), octets), octets, octets, octets)
	.map((parts) => parts.join("."));
const words = fc.constantFrom(
	"a",
	"B",
	"a-b",
	"-a",
	"a-",
	"com",
	"c",
	"é",
	"ſ",
	"K",
	"日本",
	"1",
	"xn--a",
	"",
	"\u3000",
	"😀",
	"_",
);
const names = fc.array(words, { minLength: 1, maxLength: 4 }).map((all) => all.join("."));
const urls = fc
	.tuple(
		fc.constantFrom("http://", "https://", "HTTPS://", "httpſ://", "ftp://", "FTP://", "ws://", "http:/", "://", ""),
		fc.constantFrom("", "u@", "u:p@", ":@", "@", "a@b@", "u:p:q@", " @", "u\u3000@", "x/y@"),
		fc.oneof(addresses, names),
		fc.constantFrom("", ":8", ":80", ":65535", ":123456", ":", ":8a"),
		fc.constantFrom("", "/", "/a?b=c#d", "/a@b.cd/", "/ ", "?a", "/\u2028", "\n", "/\n"),
	)
	.map((parts) => parts.join(""));

it("accepts the same texts", () => {
	let accepted = 0;
	fc.assert(
		fc.property(urls, (url) => {
			expect([url, isUrl(url)]).toEqual([url, original.test(url)]);
			if (isUrl(url)) accepted++;
		}),
		{ numRuns: runs(2_000) },
	);
	expect(accepted).toBeGreaterThan(50);
});

it("knows the private addresses, of which none is accepted, and the others", () => {
	const differing: string[] = [];
	for (let first = 0; first < 256; first++) {
		for (let second = 0; second < 256; second++) {
			const url = `http://${first}.${second}.3.4`;
			if (isUrl(url) !== original.test(url)) differing.push(url);
		}
	}
	expect(differing).toEqual([]);
	expect(["http://10.1.2.3", "http://172.16.0.1", "http://172.32.0.1"].map(isUrl)).toEqual([false, false, true]);
});

it.each([
	["colons", `http://${":".repeat(250_000)}`],
	["at signs", `http://${"@a.bc/".repeat(40_000)} `],
	["names", `http://${"a.".repeat(120_000)}`],
	["hyphens", `http://${"a-".repeat(120_000)}`],
])("ends for hostile %s", (_what, url) => {
	// The original takes minutes, so that the test would time out.
	expect(isUrl(url)).toBe(false);
});
