// The contract of a schema validator. The test of an adapter is a few lines that run it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Issue } from "../../core/errors.ts";
import type { SchemaValidator } from "../schema-validator.ts";

export interface SchemaValidatorContractOptions {
	/** Names the adapter in the titles of the tests. */
	readonly name: string;
	readonly open: () => SchemaValidator;
	/**
	 * Opens a validator whose limit of time no harmless check reaches, however busy the machine is. For the tests whose
	 * result depends on the schema alone.
	 */
	readonly openPatient: () => SchemaValidator;
	/** Opens a validator that remembers two refused schemas of a project, and no more. */
	readonly openForgetful: () => SchemaValidator;
}

type CurrentValidator = () => SchemaValidator;

const PROJECT = "proj_1";
/** Of a check that ends in time unless the machine is very busy. One that never ends reaches the limit each time. */
const MAX_TRIES = 20;
const USER = {
	type: "object",
	required: ["user"],
	properties: {
		user: {
			type: "object",
			required: ["email"],
			additionalProperties: false,
			properties: { email: { type: "string", format: "email" }, tags: { type: "array", items: { maxLength: 3 } } },
		},
	},
};

/**
 * Runs the suite. Most tests share two validators, which must survive every schema.
 *
 * @example
 * const openPatient = () => openAjvValidator({ clock: systemClock, timeLimitMs: 20_000 });
 * const openForgetful = () => openAjvValidator({ clock: systemClock, maxSchemas: 2 });
 * schemaValidatorContract({ name: "ajv", open: () => openAjvValidator({ clock: systemClock }), openPatient, openForgetful });
 */
export function schemaValidatorContract(options: SchemaValidatorContractOptions): void {
	const { name, open, openPatient, openForgetful } = options;
	describe(`the ${name} validator`, () => {
		let validator: SchemaValidator;
		let patientValidator: SchemaValidator;
		beforeAll(() => {
			validator = open();
			patientValidator = openPatient();
		});
		afterAll(() => Promise.all([validator.close(), patientValidator.close()]));
		const current: CurrentValidator = () => validator;
		const patient: CurrentValidator = () => patientValidator;

		describe("check", () => {
			describeCheck(patient);
		});
		describe("inspect", () => {
			describeInspect(patient);
		});
		describe("with a schema that can't be compiled", () => {
			describeRefused(patient);
		});
		describe("with a hostile schema", () => {
			describeHostile(current, openPatient);
		});
		describe("between projects", () => {
			describeFairness(patient);
			describeStuckChecks(open, openForgetful);
		});
		it("may be closed twice, rejects the checks under way, and then rejects every call", async () => {
			const closing = open();
			const underWay = closing.check(PROJECT, json(USER), "{}");
			await Promise.all([expect(underWay).rejects.toMatchObject({ name: "SchemaCheckError" }), closing.close()]);
			await closing.close();
			await expect(closing.inspect(PROJECT, "{}")).rejects.toMatchObject({ name: "SchemaCheckError" });
		});
	});
}

function describeCheck(current: CurrentValidator): void {
	const check = (schema: unknown, data: unknown) => current().check(PROJECT, json(schema), json(data));

	it("returns no issue for data that matches", async () => {
		expect(await check(USER, { user: { email: "a@example.com", tags: ["a"] }, more: 1 })).toEqual([]);
	});

	it("returns every place that does not match, with a message", async () => {
		const issues = await check(USER, { user: { colour: "red", tags: ["a", "long"] } });
		expect(issues).toHaveLength(3);
		expect(issues).toContainEqual({ path: "user.email", message: "is required" });
		expect(issues).toContainEqual({ path: "user.colour", message: expect.stringMatching(/not a field/) });
		expect(issues).toContainEqual({ path: "user.tags.1", message: expect.stringMatching(/3 characters/) });
		expect(await check(USER, 7)).toEqual([{ path: "", message: "must be object" }]);
	});

	it("puts no value of the data into a message", async () => {
		const schema = { properties: { card: { type: "integer" }, mail: { format: "email" }, kind: { enum: ["a"] } } };
		const text = JSON.stringify(await check(schema, { card: "4242-secret", mail: "secret", kind: "secret" }));
		expect(text).not.toContain("secret");
		expect(text).toContain("must be one of");
	});

	it("requires own properties, not those that every object inherits", async () => {
		expect(await check({ required: ["toString"] }, {})).toEqual([{ path: "toString", message: "is required" }]);
	});

	it("follows recursive references, and references to ids and anchors of the schema", async () => {
		const tree = {
			$id: "https://example.com/tree",
			properties: { child: { $ref: "#" }, n: { $ref: "number" } },
			$defs: { n: { $id: "number", type: "number" } },
		};
		expect(await check(tree, { child: { child: { n: "x" } } })).toEqual([
			{ path: "child.child.n", message: "must be number" },
		]);
		expect(await check(tree, { child: { n: 1 } })).toEqual([]);
		const anchored = { properties: { a: { $ref: "#a" } }, $defs: { x: { $anchor: "a", type: "string" } } };
		expect(await check(anchored, { a: 1 })).toHaveLength(1);
	});

	it("calculates multipleOf in decimal, so that 0.07 is a multiple of 0.01", async () => {
		expect(await check({ multipleOf: 0.01 }, 0.07)).toEqual([]);
		expect(await check({ multipleOf: 0.01 }, 0.075)).toHaveLength(1);
	});

	it("limits the number of issues, and says how many are not shown", async () => {
		const issues = await check(
			{ items: { type: "string" } },
			Array.from({ length: 1_000 }, (_, n) => n),
		);
		expect(issues.length).toBeLessThan(30);
		expect(issues.at(-1)?.message).toMatch(/9\d\d more issues/);
	});

	it("checks data against the right one of many schemas at once", async () => {
		const checks = Array.from({ length: 1_200 }, (_, n) => check({ const: n % 600 }, n));
		const results = await Promise.all(checks);
		expect(results.map((issues) => issues.length)).toEqual(results.map((_, n) => (n < 600 ? 0 : 1)));
	});
}

function describeInspect(current: CurrentValidator): void {
	const inspect = (schema: unknown) => current().inspect(PROJECT, json(schema));

	it("accepts all keywords of the draft", async () => {
		const annotations = { title: "t", description: "d", $comment: "c", default: 1, examples: [1], deprecated: true };
		expect(await inspect({ $schema: "https://json-schema.org/draft/2020-12/schema", ...annotations })).toEqual([]);
		expect(await inspect({ prefixItems: [{}], items: false, dependentRequired: { a: ["b"] } })).toEqual([]);
		expect(
			await inspect({ if: { const: 1 }, else: {}, unevaluatedProperties: false, contains: {}, minContains: 2 }),
		).toEqual([]);
		expect(await inspect({ $dynamicAnchor: "a", properties: { x: { $dynamicRef: "#a" } } })).toEqual([]);
	});

	it.each([
		["another draft", { $schema: "http://json-schema.org/draft-07/schema#" }, "$schema", /must be https:.*2020-12/],
		["an unknown type", { properties: { a: { type: "strin" } } }, "properties.a.type", /must be one of/],
		["a negative limit", { items: { minLength: -1 } }, "items.minLength", />= 0/],
		["an unknown keyword", { requried: ["a"] }, "", /keyword that is not known: "requried"/],
		["an unknown format", { format: "phone" }, "", /unknown format "phone"/],
		["a broken pattern", { pattern: "(" }, "", /Unterminated group/],
		["a reference to another document", { $ref: "https://example.com/a.json" }, "", /never fetched/],
		["a reference to a missing definition", { $ref: "#/$defs/a" }, "", /#\/\$defs\/a, which is not in it/],
		["an if without then", { if: {} }, "", /"if" without "then"/],
		["an array", [], "", /must be an object/],
		["a boolean", true, "", /must be an object/],
	])("refuses %s", async (_title, schema, path, message) => {
		expect(await inspect(schema)).toEqual([{ path, message: expect.stringMatching(message) }]);
	});
}

/** Each schema is refused, and the validator must work afterwards. */
function describeRefused(current: CurrentValidator): void {
	it.each([
		["a circular reference", json({ $ref: "#" }), /without end/],
		[
			"two references in a circle",
			json({ $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } }),
			/without end/,
		],
		["a circular dynamic reference", json({ $dynamicAnchor: "a", $dynamicRef: "#a" }), /without end/],
		["deeply nested objects", nested('{"not":', "{}", "}", 8_000), /at most 64 levels/],
		["deeply nested arrays", nested('{"allOf":[', "{}", "]}", 5_000), /at most 64 levels/],
		["a check that returns a promise", json({ $async: true }), /not a keyword/],
		["a property named __proto__", '{"properties":{"__proto__":{"type":"string"}}}', /__proto__/],
	])("refuses the schema: %s", async (_title, schema, message) => {
		expect(await current().inspect(PROJECT, schema)).toEqual([
			expect.objectContaining({ message: expect.stringMatching(message) }),
		]);
		expect(await current().check(PROJECT, "{}", "1")).toEqual([]);
	});
}

/** Each check must end, and the validator must work afterwards. */
function describeHostile(current: CurrentValidator, openPatient: () => SchemaValidator): void {
	const doubling = (levels: number) => {
		const $defs = Object.fromEntries(
			Array.from({ length: levels }, (_, n) => [
				`d${n}`,
				{ allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
			]),
		);
		return { $ref: "#/$defs/d0", $defs: { ...$defs, [`d${levels}`]: { type: "number" } } };
	};
	const branching = {
		$ref: "#/$defs/n",
		$defs: {
			n: { allOf: [{ $ref: "#/$defs/m" }, { $ref: "#/$defs/m" }] },
			m: { properties: { a: { $ref: "#/$defs/n" } } },
		},
	};

	it.each<[title: string, schema: string, data: string, message: RegExp]>([
		[
			"a pattern with catastrophic backtracking",
			// No linear-time engine has look-ahead.
			json({ pattern: "^(?=a)(a+)+$" }),
			json(`${"a".repeat(60)}!`),
			/takes (longer|more memory)/,
		],
		["references that double at each level", json(doubling(50)), "1", /takes (longer|more memory)/],
		[
			"branches that double with the depth of the data",
			json(branching),
			nested('{"a":', "1", "}", 100),
			/takes (longer|more memory)/,
		],
		[
			"the uniqueness of the items of a huge array",
			json({ uniqueItems: true }),
			json(Array.from({ length: 60_000 }, (_, a) => ({ a }))),
			/takes (longer|more memory)/,
		],
		[
			"more issues than fit into memory",
			json({ items: { allOf: Array.from({ length: 1_500 }, (_, n) => ({ minimum: n + 5 })) } }),
			json(Array.from({ length: 120_000 }, () => 1)),
			/takes (longer|more memory)/,
		],
	])("ends the check: %s", async (_title, schema, data, message) => {
		const startedAt = performance.now();
		const [issue] = await current().check(PROJECT, schema, data);
		expect(issue).toEqual({ path: "", message: expect.stringMatching(message) });
		// The promise is a limit of time: a second or two here, and minutes without it. The bound is wide, for busy machines.
		expect(performance.now() - startedAt).toBeLessThan(20_000);
		expect(await current().check(PROJECT, "{}", "1")).toEqual([]);
	});

	it("ends the check: data that is nested 50,000 levels deep", async () => {
		const data = nested('{"a":', "1", "}", 50_000);
		const issues = await checkInTime(current(), { properties: { a: { $ref: "#" } } }, data);
		expect(issues).toEqual([{ path: "", message: expect.stringMatching(/too deeply/) }]);
		expect(await current().check(PROJECT, "{}", "1")).toEqual([]);
	});

	it.each([
		["^(a+)+$", "a".repeat(100_000)],
		[String.raw`^([a-z0-9]+\s?)*$`, "a 1".repeat(50_000)],
		["^(a|aa|aaa)+$", "a".repeat(100_000)],
		[String.raw`\s+$`, " ".repeat(200_000)],
	])("checks data by a pattern that would backtrack without end: %s", async (pattern, text) => {
		const schema = {
			properties: { a: { pattern } },
			propertyNames: { not: { pattern: `x${pattern.slice(1)}` } },
		};
		const issues = await checkInTime(current(), schema, json({ a: `${text}!` }));
		expect(issues).toEqual([{ path: "a", message: expect.stringMatching(/must match pattern/) }]);
		expect(await checkInTime(current(), schema, json({ a: text }))).toEqual([]);
	});

	it("checks the formats of hostile data", async () => {
		const formats = [
			"url",
			"uri",
			"uri-reference",
			"uri-template",
			"email",
			"hostname",
			"date-time",
			"byte",
			"duration",
		];
		const schema = { items: { allOf: formats.map((format) => ({ format })) } };
		const hostile = [":", "@", "a.", "a-", "/", "{a}", "%41", "1:", "AAAA"].map(
			(part) => `http://${part.repeat(5_000)}\n`,
		);
		expect((await checkInTime(current(), schema, json(hostile))).length).toBeGreaterThan(5);
	});

	it("does not disturb the checks beside it, and refuses the same schema at once the next time", async () => {
		const slow = json({ pattern: "^(?=b)(b+)+$" });
		const begunAt = performance.now();
		const [before, hostile, after] = await Promise.all([
			current().check(PROJECT, json({ const: 1 }), "2"),
			current().check(PROJECT, slow, json(`${"b".repeat(60)}!`)),
			current().check(PROJECT, json({ const: 1 }), "1"),
		]);
		expect([before.length, hostile.length, after.length]).toEqual([1, 1, 0]);
		const firstMs = performance.now() - begunAt;
		// The fastest of some calls, since a busy machine can delay any of them.
		let againMs = Infinity;
		for (let call = 0; call < 5; call++) {
			const startedAt = performance.now();
			expect(await current().check(PROJECT, slow, json("b"))).toEqual(hostile);
			againMs = Math.min(againMs, performance.now() - startedAt);
		}
		expect(againMs).toBeLessThan(firstMs / 10);
	});

	it("refuses it for the project whose data it was slow for, and for no other that has the same schema", async () => {
		const slow = { pattern: "^(?=d)(d+)+$" };
		const refused = [{ path: "", message: expect.stringMatching(/takes (longer|more memory)/) }];
		const greedy = [json(`${"d".repeat(60)}!`), json("d")];
		// A busy machine can delay a quick check beyond the limit, too: of several other projects, one has it in time.
		const others = Array.from({ length: MAX_TRIES }, (_, n) => `proj_other_${n}`);
		const [stuck, behind] = greedy.map((data) => current().check("proj_greedy", json(slow), data));
		let other = "";
		for (const project of others) {
			if ((await current().check(project, json(slow), json("d"))).length > 0) continue;
			other = project;
			break;
		}
		expect(await Promise.all([stuck, behind])).toEqual([refused, refused]);
		expect(other).not.toBe("");
		expect(await current().check("proj_greedy", json(slow), json("d"))).toEqual(refused);
		expect(await current().inspect(other, json(slow))).toEqual([]);
	});

	it("does not block the event loop", async () => {
		const validator = openPatient();
		expect(await validator.check(PROJECT, "{}", "1")).toEqual([]);
		let isOver = false;
		const checking = validator.check(PROJECT, json({ pattern: "^(?=c)(c+)+$" }), json(`${"c".repeat(60)}!`));
		const over = checking.catch(() => {}).finally(() => (isOver = true));
		let ticks = 0;
		const ticking = setInterval(() => ticks++, 2);
		await expect.poll(() => ticks).toBeGreaterThan(10);
		clearInterval(ticking);
		expect(isOver).toBe(false);
		await validator.close();
		await over;
	});
}

/**
 * Checks by a schema whose checks take far less than the limit of time. On a busy machine, one can reach it all the same, and is then made again:
 * each time by a schema with another title, since one that has reached the limit is refused.
 */
async function checkInTime(validator: SchemaValidator, schema: object, data: string): Promise<readonly Issue[]> {
	for (let tries = 1; ; tries++) {
		const issues = await validator.check(PROJECT, json({ ...schema, title: `try ${tries}` }), data);
		if (tries === MAX_TRIES || !issues.some(({ message }) => message.startsWith("takes longer"))) return issues;
	}
}

/** Each check takes a while, and none too long. */
function describeFairness(current: CurrentValidator): void {
	const slowSchema = json({ uniqueItems: true });
	const slowData = (items: number) => json(Array.from({ length: items }, (_, a) => ({ a })));

	it("serves them in turn, so that slow checks of one delay only its own", async () => {
		const data = slowData(1_000);
		let finished = 0;
		const greedy = Array.from({ length: 60 }, async (_, n) => {
			const issues = await current().check("proj_greedy", json({ uniqueItems: true, title: String(n) }), data);
			finished++;
			return issues;
		});
		await greedy[0];
		expect(await current().check("proj_other", "{}", "1")).toEqual([]);
		expect(finished).toBeLessThan(45);
		const before = finished;
		for (let n = 0; n < 3; n++) expect(await current().check("proj_other", "{}", String(n))).toEqual([]);
		expect(finished - before).toBeLessThan(30);
		expect((await Promise.all(greedy)).flat()).toEqual([]);
	});

	it("refuses a schema whose checks take too much time in all", async () => {
		const data = slowData(4_000);
		let issues: readonly Issue[] = [];
		for (let n = 0; n < 500 && issues.length === 0; n++) issues = await current().check(PROJECT, slowSchema, data);
		const refused = [{ path: "", message: expect.stringMatching(/takes too much time/) }];
		expect(issues).toEqual(refused);
		expect(await current().check(PROJECT, slowSchema, "[]")).toEqual(refused);
		expect(await current().check(PROJECT, "{}", "1")).toEqual([]);
		// Another project with the same schema has not taken that time.
		expect(await current().check("proj_other", slowSchema, "[]")).toEqual([]);
	});
}

/** Each schema is another one, so that it does not help to refuse a schema. */
function describeStuckChecks(open: () => SchemaValidator, openForgetful: () => SchemaValidator): void {
	const stuck = (n: number) => json({ pattern: `^(?=a)(a+)+$`, title: String(n) });
	const text = json(`${"a".repeat(60)}!`);

	it("lets one whose checks get stuck again and again delay only its own", async () => {
		const validator = open();
		let finished = 0;
		const greedy = Array.from({ length: 15 }, async (_, n) => {
			const [issue] = await validator.check("proj_greedy", stuck(n), text);
			finished++;
			return issue?.message;
		});
		// It is known for them after a few.
		await Promise.all(greedy.slice(0, 3));
		const before = finished;
		const finishedSince = () => finished - before;
		let answered = 0;
		for (; answered < 300 && finishedSince() < 5; answered++)
			expect(await validator.check("proj_other", "{}", String(answered))).toEqual([]);
		// If each of these had waited for one that gets stuck, there would be about as many of both.
		expect(answered).toBeGreaterThan(50);
		const settled = Promise.allSettled(greedy);
		await validator.close();
		const outcomes = (await settled).map(({ status }) => status);
		expect(outcomes.slice(0, 3)).toEqual(Array(3).fill("fulfilled"));
	});

	it("goes on refusing a schema of one, however many of another are refused after it", async () => {
		const validator = openForgetful();
		const refused = [{ path: "", message: expect.stringMatching(/takes (longer|more memory)/) }];
		expect(await validator.check("proj_other", stuck(0), text)).toEqual(refused);
		for (let n = 1; n <= 3; n++) expect(await validator.check("proj_greedy", stuck(n), text)).toEqual(refused);
		expect(await validator.check("proj_other", stuck(0), json("aa"))).toEqual(refused);
		await validator.close();
	});
}

function nested(open: string, inner: string, close: string, depth: number): string {
	return open.repeat(depth) + inner + close.repeat(depth);
}

function json(value: unknown): string {
	return JSON.stringify(value);
}
