// That every list, map and object in the bodies of the API has nasty bodies, also those that are added later.
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { bodyWith, callsWithBody, type ApiDocument, type BodyPlace, type JsonSchema } from "./body-places.ts";
import { PATH_PARAMETERS, pathOf } from "./named-things.ts";
import { fullBatches, nastyBodies } from "./nasty-calls.ts";
import { NASTY_SHAPES } from "./nasty-shapes.ts";

const KIB = 1_024;
const DOCUMENT = new URL("../../../docs/openapi.json", import.meta.url);
const document = JSON.parse(readFileSync(DOCUMENT, "utf8")) as ApiDocument;
const calls = callsWithBody(document);

/** Every schema of a list or an object that is anywhere inside a value of the document, whatever the keywords that lead there. */
function structuresIn(value: unknown, found = new Set<unknown>()): Set<unknown> {
	if (typeof value !== "object" || value === null || found.has(value)) return found;
	const { $ref, type } = value as JsonSchema;
	if (typeof $ref === "string") return structuresIn(document.components.schemas[$ref.split("/").at(-1)!], found);
	if ([type].flat().some((name) => name === "array" || name === "object")) found.add(value);
	for (const [keyword, inner] of Object.entries(value)) {
		if (!["example", "examples", "default", "enum"].includes(keyword)) structuresIn(inner, found);
	}
	return found;
}

function valueAt(json: string, at: BodyPlace["at"]): unknown {
	return at.reduce<unknown>((value, name) => (value as Record<string | number, unknown>)[name], JSON.parse(json));
}

/** A document with one call, whose body has this schema. */
function documentOf(schema: JsonSchema): ApiDocument {
	const content = { "application/json": { schema, example: {} } };
	return { components: { schemas: {} }, paths: { "/new": { post: { operationId: "new", requestBody: { content } } } } };
}

const placesOf = (schema: JsonSchema) => callsWithBody(documentOf(schema))[0]!.places.map(({ at }) => at.join("."));

describe("nasty bodies", () => {
	it("are made for every call that takes a body", () => {
		const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
		const withBody = operations.filter(({ requestBody }) => requestBody !== undefined);
		expect(withBody.length).toBeGreaterThan(20);
		expect(calls.map(({ id }) => id)).toEqual(withBody.map(({ operationId }) => operationId));
	});

	it("are made for every list, map and object in the document", () => {
		for (const { id, method, path, places } of calls) {
			const { requestBody } = document.paths[path]![method.toLowerCase()]!;
			const covered = new Set<unknown>(places.map(({ schema }) => schema));
			const missed = [...structuresIn(requestBody!.content["application/json"]!.schema)].filter(
				(one) => !covered.has(one),
			);
			expect({ id, missed }).toEqual({ id, missed: [] });
		}
	});

	it("are made for the places of a call that is new", () => {
		const list = { type: "array", maxItems: 9, items: { anyOf: [{ type: "string" }, { type: "array", items: {} }] } };
		expect(placesOf({ type: "object", properties: { map: { type: "object", additionalProperties: list } } })).toEqual([
			"",
			"map",
			"map.name",
			"map.name.0",
			"map.name.0.0",
			"unknownMember",
		]);
	});

	it("are refused for a body that is described in a way that could hide places", () => {
		const schema = { type: "object", patternProperties: { "^a": { type: "array" } } } as JsonSchema;
		expect(() => placesOf(schema)).toThrow("does not know the keyword patternProperties");
	});

	it("can be sent: there is a thing of each kind that a path names", () => {
		const things = Object.fromEntries(PATH_PARAMETERS.map((name) => [name, "thing"]));
		for (const { path } of calls) expect(pathOf(path, things)).not.toMatch(/[{}]/);
		expect(() => pathOf("/new/{newId}", things)).toThrow("{newId}");
	});

	it("have the nasty value at their place", () => {
		for (const { example, places } of calls) {
			for (const { at } of places) expect(valueAt(bodyWith(example, at, '["nasty"]'), at)).toEqual(["nasty"]);
		}
	});

	it("repeat it in every element of a list", () => {
		const [batch] = calls.filter(({ id }) => id === "sendEvents");
		const [data] = batch!.places.filter(({ at }) => at.join(".") === "events.0.data");
		expect(data?.mostElements).toBe(1_000);
		const names = nastyBodies({ ...batch!, places: [data!] }, 256 * KIB).map(({ name }) => name);
		expect(names).toContain("numbers in events.0.data of sendEvents, 1000 times");
		const { events } = JSON.parse(bodyWith(batch!.example, data!.at, "[1]", 1_000)) as { events: { data: unknown }[] };
		expect(events.map((event) => event.data)).toEqual(Array.from({ length: 1_000 }, () => [1]));
	});

	it.each([4 * KIB, 32 * KIB])("are JSON, and fill the %d bytes that a call reads", (maxBytes) => {
		// The others are made in the same way.
		for (const call of calls.filter(({ id }) => id === "sendEvents" || id === "createWebhook")) {
			for (const { name, json } of nastyBodies(call, maxBytes)) {
				const body = json();
				const bytes = Buffer.byteLength(body);
				expect({ name, fits: bytes <= maxBytes, fills: bytes > maxBytes / 2 }).toEqual({
					name,
					fits: true,
					fills: true,
				});
				expect(() => void JSON.parse(body)).not.toThrow();
			}
		}
	});

	it.each(Object.entries(NASTY_SHAPES))("of the shape %s are as long as asked for, but for some bytes", (_, shape) => {
		for (const bytes of [32, 33, 1_000, 10_007]) {
			const length = Buffer.byteLength(shape(bytes));
			expect(length).toBeLessThanOrEqual(bytes);
			expect(length).toBeGreaterThan(bytes - 32);
		}
	});

	it("include batches whose lists are full", () => {
		for (const { json } of fullBatches(5 * KIB * KIB)) {
			const body = json();
			expect(Buffer.byteLength(body)).toBeLessThanOrEqual(5 * KIB * KIB);
			expect((JSON.parse(body) as { events: unknown[] }).events).toHaveLength(1_000);
		}
	});
});
