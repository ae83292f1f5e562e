// Random requests get the same response over the lean path and from the app.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { openBoth, type Both } from "../../test/both-paths.ts";
import { batch, NOT_TAKEN, TAKEN } from "../../test/plain-sends.ts";

/** Members of a body, most of them valid, and with names and values that are close to valid ones. */
const name = fc.constantFrom(
	..."type data timestamp idempotencyKey webhookIds customerId customerIds tags events".split(" "),
	..."__proto__ constructor Type toString".split(" "),
);
const text = fc.oneof(
	fc.constantFrom(
		"a",
		"a.b",
		"a..b",
		"fanfare.x",
		"*",
		"acme",
		"",
		" ",
		"\u0000",
		"\u2028",
		"é",
		"\ud800",
		"webhook_1",
	),
	fc.string({ maxLength: 5 }),
	fc.string({ unit: "binary", maxLength: 5 }),
);
const plain = fc.oneof(
	text.map((value) => JSON.stringify(value)),
	fc.constantFrom(
		"0",
		"-0",
		"1.0",
		"1.5",
		"1e999",
		"-1",
		"253402300799999",
		"253402300800000",
		"true",
		"null",
		"[]",
		"{}",
		"[1]",
	),
	fc.array(text, { maxLength: 7 }).map((list) => JSON.stringify(list)),
	fc.json({ maxDepth: 2 }),
);
const spelled = (word: string) => fc.constantFrom(JSON.stringify(word), JSON.stringify(word).replace("t", "\\u0074"));
const member = fc.tuple(name.chain(spelled), plain).map(([name, value]) => `${name}:${value}`);
const likely = fc
	.tuple(fc.constantFrom('"a"', '"order.paid"', '"a..b"', "7"), plain, fc.array(member, { maxLength: 3 }))
	.map(([type, data, rest]) => `{${[`"type":${type}`, `"data":${data}`, ...rest].join(",")}}`);
const anyObject = fc.array(member, { maxLength: 5 }).map((members) => `{${members.join(",")}}`);
const oneBody = fc.oneof({ weight: 4, arbitrary: likely }, anyObject, plain);
const body = fc.oneof(
	{ weight: 5, arbitrary: fc.tuple(fc.constant("./events"), oneBody) },
	{
		weight: 3,
		arbitrary: fc.tuple(
			fc.constant("./events:batch"),
			fc.array(oneBody, { maxLength: 4 }).map((all) => batch(...all)),
		),
	},
	fc.tuple(fc.constantFrom("./events", "./events:batch"), fc.string({ unit: "binary", minLength: 1, maxLength: 40 })),
);
/** Faults of the bytes: none mostly. */
const cut = fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, fc.tuple(fc.nat(60), fc.nat(255)));

/** The text of each accepted event's data, in the order of the events in a response. */
async function storedIn(both: Both, response: string): Promise<string[]> {
	const ids = [...response.matchAll(/"id":"(evt_[0-9a-f-]{36})"/g)].map(([, id]) => id!);
	return Promise.all(ids.map((id) => both.dataJson({ id })));
}

it("random bodies are accepted or refused as by the app, and stored with the same data", async () => {
	const both = await openBoth();
	let count = 0;
	await fc.assert(
		fc.asyncProperty(body, cut, async ([path, text], fault) => {
			const bytes = Buffer.from(text);
			if (fault !== null && bytes.length > 0) bytes[fault[0] % bytes.length] = fault[1];
			if (bytes.length === 0) return;
			count++;
			const { byApp, byLean } = await both.compare({ path, body: bytes });
			expect(await storedIn(both, byLean)).toEqual(await storedIn(both, byApp));
		}),
		{ numRuns: 250 },
	);
	expect(both.taken()).toBe(count);
});

it("random heads get the same response, whichever way they take", async () => {
	const both = await openBoth();
	const all = [...TAKEN, ...NOT_TAKEN].map(([, , sent]) => sent);
	const sent = fc.constantFrom(...all.filter(({ body }) => body === undefined));
	await fc.assert(
		fc.asyncProperty(sent, sent, sent, async (first, second, third) => {
			await both.compare({
				...first,
				...second,
				headers: { ...first.headers, ...second.headers, ...third.headers },
				lines: [...(first.lines ?? []), ...(third.lines ?? [])],
			});
		}),
		{ numRuns: 150 },
	);
});
