// The checks of an import against the API's own document, so that neither changes alone.
import { readFileSync } from "node:fs";

import fc from "fast-check";
import { expect, it } from "vitest";

import { problemOf } from "./check.ts";

interface Form {
	readonly maxLength?: number;
	readonly minItems?: number;
	readonly maxItems?: number;
	readonly maximum?: number;
	readonly pattern?: string;
	readonly items?: Form;
	readonly anyOf?: readonly Form[];
}

const document = JSON.parse(readFileSync(new URL("../../../../../docs/openapi.json", import.meta.url), "utf8")) as {
	readonly components: { readonly schemas: { readonly SendEvent: { readonly properties: Record<string, Form> } } };
};
const fields = document.components.schemas.SendEvent.properties;
const form = (name: string): Form => fields[name] ?? {};
const customers = form("customerIds").anyOf?.find(({ items }) => items !== undefined) ?? {};

const isFine = (event: object) => problemOf({ type: "a", data: 1, ...event }) === null;
const fits = (text: string, { pattern = "", maxLength = Infinity }: Form) =>
	new RegExp(pattern, "u").test(text) && text.length <= maxLength;
const texts = fc.oneof(
	fc.stringMatching(/^[A-Za-z0-9._:/=@ -]{0,12}$/),
	fc.string({ maxLength: 4 }),
	fc.nat({ max: 300 }).map((length) => "a".repeat(length)),
);

it.each([
	["a type", form("type"), (text: string) => ({ type: text })],
	["a customer", form("customerId"), (text: string) => ({ customerId: text })],
	["one of several customers", customers.items ?? {}, (text: string) => ({ customerIds: [text] })],
	["a tag", form("tags").items ?? {}, (text: string) => ({ tags: [text] })],
])("takes %s exactly as the API does", (_, one, eventOf) => {
	expect(one.pattern).toBeDefined();
	fc.assert(fc.property(texts, (text) => isFine(eventOf(text)) === fits(text, one)));
});

it.each([
	["customerIds", customers, (index: number) => `c${index}`],
	["tags", form("tags"), (index: number) => `t${index}`],
	[
		"webhookIds",
		form("webhookIds"),
		(index: number) => `webhook_01936a2e-5c3b-7c10-8000-${String(index).padStart(12, "0")}`,
	],
])("takes as many %s as the API does", (name, { minItems = 0, maxItems = 0 }, entryAt) => {
	const areFine = (length: number) => isFine({ [name]: Array.from({ length }, (_, index) => entryAt(index)) });
	expect([areFine(minItems), areFine(maxItems), areFine(maxItems + 1)]).toEqual([true, true, false]);
	if (minItems > 0) expect(areFine(minItems - 1)).toBe(false);
});

it("takes keys and times up to the limits of the API", () => {
	const { maxLength = 0 } = form("idempotencyKey");
	const { maximum = 0 } = form("timestamp");
	expect(
		["k".repeat(maxLength), "k".repeat(maxLength + 1)].map((idempotencyKey) => isFine({ idempotencyKey })),
	).toEqual([true, false]);
	expect([maximum, maximum + 1, -1].map((timestamp) => isFine({ timestamp }))).toEqual([true, false, false]);
});
