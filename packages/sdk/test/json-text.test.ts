// The parts of JSON texts, compared with what a parser finds in them.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { elementsOf, membersOf } from "../src/wire/json-text.ts";

it("gives each part as it is written", () => {
	expect(
		membersOf(' { "a" : 12345678901234567890,\n"b": "x,\\"}\\\\" , "\\u0063":[1.0, {"d":[]}] , "e":{ } } '),
	).toEqual(
		new Map([
			["a", "12345678901234567890"],
			["b", '"x,\\"}\\\\"'],
			["c", '[1.0, {"d":[]}]'],
			["e", "{ }"],
		]),
	);
	expect(elementsOf('[ 1e2 ,"]", [[], {"a":[1,2]}],\tnull]')).toEqual(["1e2", '"]"', '[[], {"a":[1,2]}]', "null"]);
	expect([elementsOf(" [ ] "), [...membersOf("{ }")]]).toEqual([[], []]);
});

it("takes the last of members with one name, as a parser does", () => {
	expect(membersOf('{"a":1,"__proto__":2,"\\u0061":3}')).toEqual(
		new Map([
			["a", "3"],
			["__proto__", "2"],
		]),
	);
});

it("finds the parts that a parser finds, in any value and form", () => {
	const form = fc.constantFrom("", " ", "\t", 2);
	fc.assert(
		fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), form, (object, space) => {
			const text = JSON.stringify(object, null, space);
			const found = membersOf(text);
			const parsed = Object.entries(JSON.parse(text) as object);
			expect([...found.keys()].toSorted()).toEqual(parsed.map(([name]) => name).toSorted());
			for (const [name, value] of parsed) expect(JSON.parse(found.get(name)!)).toEqual(value);
		}),
	);
	fc.assert(
		fc.property(fc.array(fc.jsonValue()), form, (array, space) => {
			const found = elementsOf(JSON.stringify(array, null, space));
			expect(found.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(JSON.stringify(array)));
		}),
	);
});

it("reads deeply nested texts", () => {
	const deep = "[".repeat(100_000) + "]".repeat(100_000);
	expect(membersOf(`{"a":${deep}}`).get("a")).toBe(deep);
});
