// The contract of a schema validator. The test of an adapter is a few lines that run it.
import { setImmediate as nextTurn } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

import type { Clock } from "../../core/clock.ts";
import type { Issue } from "../../core/errors.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import type { SchemaValidator } from "../schema-validator.ts";
import { TimedValidator } from "./timed-validator.ts";

export interface SchemaValidatorContractOptions {
	/** Names the adapter in the titles of the tests. */
	readonly name: string;
	/** Opens a validator whose limit of time is `timeLimitMs` by this clock. */
	readonly open: (clock: Clock) => SchemaValidator;
	/** After this time without progress, a check is ended. The validator sets a timer for so long whenever it begins with checks. */
	readonly timeLimitMs: number;
	/**
	 * Opens a validator whose limit of time no harmless check reaches, however busy the machine is. For the tests whose
	 * result depends on the schema alone.
	 */
	readonly openPatient: () => SchemaValidator;
	/** The same, and it remembers two refused schemas of a project, and no more. */
	readonly openForgetful: (clock: Clock) => SchemaValidator;
}

type CurrentValidator = () => SchemaValidator;

const PROJECT = "proj_1";
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
 * const open = (clock: Clock) => openAjvValidator({ clock, timeLimitMs: 500 });
 * const openPatient = () => openAjvValidator({ clock: systemClock, timeLimitMs: 60_000 });
 * const openForgetful = (clock: Clock) => openAjvValidator({ clock, timeLimitMs: 500, maxSchemas: 2 });
 * schemaValidatorContract({ name: "ajv", open, timeLimitMs: 500, openPatient, openForgetful });
 */
export function schemaValidatorContract(options: SchemaValidatorContractOptions): void {
	const { name, open, timeLimitMs, openPatient, openForgetful } = options;
	describe(`the ${name} validator`, () => {
		let timedValidator: TimedValidator;
		let patientValidator: SchemaValidator;
		const openTimed = () => new TimedValidator(open, timeLimitMs);
		beforeAll(() => {
			timedValidator = openTimed();
			patientValidator = openPatient();
		});
		afterAll(() => Promise.all([timedValidator.close(), patientValidator.close()]));
		const patient: CurrentValidator = () => patientValidator;

		describe("check", () => {
			describeCheck(patient);
		});
		describe("inspect", () => {
			describeInspect(patient);
		});
		describe("with hostile data", () => {
			describeHostileData(patient);
		});
		describe("with a hostile schema", () => {
			describeHostileSchemas(() => timedValidator);
		});
		describe("between projects", () => {
			describeFairness(patient);
			describeStuckChecks(openTimed, () => new TimedValidator(openForgetful, timeLimitMs));
		});
		it("may be closed twice, rejects the checks under way, and then rejects every call", async () => {
			const closing = open(new ManualClock());
			const underWay = closing.check(PROJECT, json(USER), "{}");
			await Promise.all([expect(underWay).rejects.toMatchObject({ name: "SchemaCheckError" }), closing.close()]);
			await closing.close();
			await expect(closing.inspect(PROJECT, "{}")).rejects.toMatchObject({ name: "SchemaCheckError" });
		});
	});
}

function describeCheck(current: CurrentValidator): void {
	const check = (schema: unknown, data: unknown) => current().check(PROJECT, json(schema), json(data));

	it("returns every place that does not match, with a message that contains no value of the data", async () => {
		expect(await check(USER, { user: { email: "a@example.com", tags: ["a"] }, more: 1 })).toEqual([]);
		const issues = await check(USER, { user: { colour: "red", tags: ["a", "long"] } });
		expect(issues).toHaveLength(3);
		expect(issues).toContainEqual({ path: "user.email", message: "is required" });
		expect(issues).toContainEqual({ path: "user.colour", message: expect.stringMatching(/not a field/) });
		expect(issues).toContainEqual({ path: "user.tags.1", message: expect.stringMatching(/3 characters/) });
		expect(await check(USER, 7)).toEqual([{ path: "", message: "must be object" }]);
		const schema = { properties: { card: { type: "integer" }, mail: { format: "email" }, kind: { enum: ["a"] } } };
		const text = JSON.stringify(await check(schema, { card: "4242-secret", mail: "secret", kind: "secret" }));
		expect(text).not.toContain("secret");
		expect(text).toContain("must be one of");
		const many = await check({ items: { type: "string" } }, [...Array(1_000).keys()]);
		expect(many.length).toBeLessThan(30);
		expect(many.at(-1)?.message).toMatch(/9\d\d more issues/);
	});

	it("follows references, requires own properties, and calculates multipleOf in decimal", async () => {
		const tree = {
			$id: "https://example.com/tree",
			properties: { child: { $ref: "#" }, n: { $ref: "number" } },
			$defs: { n: { $id: "number", type: "number" } },
		};
		const notNumber = [{ path: "child.child.n", message: "must be number" }];
		expect(await check(tree, { child: { child: { n: "x" } } })).toEqual(notNumber);
		expect(await check(tree, { child: { n: 1 } })).toEqual([]);
		const anchored = { properties: { a: { $ref: "#a" } }, $defs: { x: { $anchor: "a", type: "string" } } };
		expect(await check(anchored, { a: 1 })).toHaveLength(1);
		expect(await check({ required: ["toString"] }, {})).toEqual([{ path: "toString", message: "is required" }]);
		expect(await check({ multipleOf: 0.01 }, 0.07)).toEqual([]);
		expect(await check({ multipleOf: 0.01 }, 0.075)).toHaveLength(1);
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

	const circle = { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } };
	it.each([
		[
			"another draft",
			json({ $schema: "http://json-schema.org/draft-07/schema#" }),
			/^\$schema must be https:.*2020-12/,
		],
		["an unknown type", json({ properties: { a: { type: "strin" } } }), /^properties.a.type must be one of/],
		["a negative limit", json({ items: { minLength: -1 } }), /^items.minLength .*>= 0/],
		["an unknown keyword", json({ requried: ["a"] }), /^ .*keyword that is not known: "requried"/],
		["an unknown format", json({ format: "phone" }), /^ .*unknown format "phone"/],
		["a broken pattern", json({ pattern: "(" }), /^ .*Unterminated group/],
		["a reference to another document", json({ $ref: "https://example.com/a.json" }), /^ .*never fetched/],
		["a reference to a missing definition", json({ $ref: "#/$defs/a" }), /^ .*#\/\$defs\/a, which is not in it/],
		["an if without then", json({ if: {} }), /^ .*"if" without "then"/],
		["an array", "[]", /^ must be an object/],
		["a boolean", "true", /^ must be an object/],
		["a circular reference", json({ $ref: "#" }), /without end/],
		["two references in a circle", json({ $ref: "#/$defs/a", $defs: circle }), /without end/],
		["a circular dynamic reference", json({ $dynamicAnchor: "a", $dynamicRef: "#a" }), /without end/],
		["deeply nested objects", nested('{"not":', "{}", "}", 8_000), /at most 64 levels/],
		["deeply nested arrays", nested('{"allOf":[', "{}", "]}", 5_000), /at most 64 levels/],
		["a check that returns a promise", json({ $async: true }), /not a keyword/],
		["a property named __proto__", '{"properties":{"__proto__":{"type":"string"}}}', /__proto__/],
	])("refuses %s, and works afterwards", async (_title, schema, expected) => {
		const issues = await current().inspect(PROJECT, schema);
		expect(issues.map(({ path, message }) => `${path} ${message}`)).toEqual([expect.stringMatching(expected)]);
		expect(await current().check(PROJECT, "{}", "1")).toEqual([]);
	});
}

/** Each check ends by itself, and the validator must work afterwards. */
function describeHostileData(current: CurrentValidator): void {
	const check = (schema: object, data: string) => current().check(PROJECT, json(schema), data);

	it("ends the check: data that is nested 50,000 levels deep", async () => {
		const data = nested('{"a":', "1", "}", 50_000);
		const issues = await check({ properties: { a: { $ref: "#" } } }, data);
		expect(issues).toEqual([{ path: "", message: expect.stringMatching(/too deeply/) }]);
		expect(await check({}, "1")).toEqual([]);
	});

	// An engine that backtracks takes far longer for each of them than the limit of a patient validator.
	it.each([
		["^(a+)+$", "a".repeat(100_000)],
		[String.raw`^([a-z0-9]+\s?)*$`, "a 1".repeat(50_000)],
		["^(a|aa|aaa)+$", "a".repeat(100_000)],
		[String.raw`\s+$`, " ".repeat(1_000_000)],
	])("checks data by a pattern that would backtrack without end: %s", async (pattern, text) => {
		const propertyNames = { not: { pattern: `x${pattern.slice(1)}` } };
		const schema = { properties: { a: { pattern } }, propertyNames };
		const issues = await check(schema, json({ a: `${text}!` }));
		expect(issues).toEqual([{ path: "a", message: expect.stringMatching(/must match pattern/) }]);
		expect(await check({ ...schema, title: "again" }, json({ a: text }))).toEqual([]);
	});

	it("checks the formats of hostile data", async () => {
		const formats = "url uri uri-reference uri-template email hostname date-time byte duration".split(" ");
		const schema = { items: { allOf: formats.map((format) => ({ format })) } };
		const parts = [":", "@", "a.", "a-", "/", "{a}", "%41", "1:", "AAAA"];
		const hostile = parts.map((part) => `http://${part.repeat(10_000)}\n`);
		expect((await check(schema, json(hostile))).length).toBeGreaterThan(5);
	});
}

/** Each check must be ended, and the validator must work afterwards. */
function describeHostileSchemas(current: () => TimedValidator): void {
	const doubling = (levels: number) => {
		const $defs: Record<string, unknown> = { [`d${levels}`]: { type: "number" } };
		for (let n = 0; n < levels; n++) {
			const next = { $ref: `#/$defs/d${n + 1}` };
			$defs[`d${n}`] = { allOf: [next, next] };
		}
		return { $ref: "#/$defs/d0", $defs };
	};
	const branching = {
		$ref: "#/$defs/n",
		$defs: {
			n: { allOf: [{ $ref: "#/$defs/m" }, { $ref: "#/$defs/m" }] },
			m: { properties: { a: { $ref: "#/$defs/n" } } },
		},
	};
	/** A check that never ends. No linear-time engine has look-ahead. Another letter makes another schema. */
	const stuckCheck = (letter: string) => ({
		schema: json({ pattern: `^(?=${letter})(${letter}+)+$` }),
		data: json(`${letter.repeat(60)}!`),
	});
	const tooLong = [{ path: "", message: expect.stringMatching(/takes longer/) }];
	let projects = 0;
	/** What the checks of a project have cost counts for the later ones. */
	const newProject = () => `proj_hostile_${projects++}`;

	it.each<[title: string, schema: string, data: string]>([
		["a pattern with catastrophic backtracking", stuckCheck("a").schema, stuckCheck("a").data],
		["branches that double with the depth of the data", json(branching), nested('{"a":', "1", "}", 100)],
		[
			"the uniqueness of the items of a huge array",
			json({ uniqueItems: true }),
			json(Array.from({ length: 60_000 }, (_, a) => ({ a }))),
		],
	])("ends the check when its time is over, and not before: %s", async (_title, schema, data) => {
		const [timed, project] = [current(), newProject()];
		await timed.isReady(project);
		const check = timed.begin(project, schema, data);
		await timed.works(check);
		timed.pass(timed.limitMs - 1);
		await nextTurn();
		expect(check.isOver).toBe(false);
		timed.pass(1);
		expect(await check.end()).toEqual(tooLong);
		await timed.isReady(project);
	});

	it.each<[title: string, schema: string, data: string]>([
		["references that double at each level", json(doubling(50)), "1"],
		[
			"more issues than fit into memory",
			json({ items: { allOf: Array.from({ length: 1_500 }, (_, n) => ({ minimum: n + 5 })) } }),
			json(Array.from({ length: 120_000 }, () => 1)),
		],
	])("ends the check when it takes too much memory: %s", async (_title, schema, data) => {
		const [timed, project] = [current(), newProject()];
		const check = timed.begin(project, schema, data);
		expect(await check.end()).toEqual([{ path: "", message: expect.stringMatching(/takes more memory/) }]);
		await timed.isReady(project);
	});

	it("does not disturb the checks beside it, and refuses the same schema at once the next time", async () => {
		const [timed, project] = [current(), newProject()];
		const slow = stuckCheck("b");
		await timed.isReady(project);
		// The first one is under way alone, and then the others together.
		const harmless = ["1", "2", "1"].map((data) => timed.begin(project, json({ const: 1 }), data));
		const hostile = timed.begin(project, slow.schema, slow.data);
		harmless.push(timed.begin(project, json({ const: 1 }), "1"));
		await timed.works(hostile);
		// At the first look, there was progress: the ones before it have ended.
		timed.pass(2 * timed.limitMs);
		expect(await hostile.end()).toEqual(tooLong);
		const issues = await Promise.all(harmless.map((each) => each.end()));
		expect(issues.map(({ length }) => length)).toEqual([0, 1, 0, 0]);

		// While another check is stuck, whatever waits for the thread has no answer.
		const another = stuckCheck("c");
		const stuck = timed.begin(project, another.schema, another.data);
		const again = timed.begin(project, slow.schema, json("b"));
		expect(await again.end()).toEqual(tooLong);
		expect(stuck.isOver).toBe(false);
		timed.pass();
		expect(await stuck.end()).toEqual(tooLong);
	});

	it("refuses it for the project whose data it was slow for, and for no other that has the same schema", async () => {
		const [timed, project, other] = [current(), newProject(), newProject()];
		const { schema, data } = stuckCheck("d");
		await timed.isReady(project);
		const stuck = timed.begin(project, schema, data);
		const behind = timed.begin(project, schema, json("d"));
		const beside = timed.begin(other, schema, json("d"));
		await timed.works(stuck);
		timed.pass();
		expect(await Promise.all([stuck.end(), behind.end()])).toEqual([tooLong, tooLong]);
		expect(await beside.end()).toEqual([]);
		expect(await timed.begin(project, schema, json("d")).end()).toEqual(tooLong);
		expect(await timed.validator.inspect(other, schema)).toEqual([]);
	});

	it("does not block the event loop", async () => {
		const [timed, project] = [current(), newProject()];
		const { schema, data } = stuckCheck("e");
		await timed.isReady(project);
		const check = timed.begin(project, schema, data);
		let ticks = 0;
		const ticking = setInterval(() => ticks++, 2);
		await expect.poll(() => ticks).toBeGreaterThan(10);
		clearInterval(ticking);
		expect(check.isOver).toBe(false);
		timed.pass();
		expect(await check.end()).toEqual(tooLong);
	});
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
function describeStuckChecks(openTimed: () => TimedValidator, openForgetful: () => TimedValidator): void {
	const stuck = (n: number) => json({ pattern: `^(?=a)(a+)+$`, title: String(n) });
	const text = json(`${"a".repeat(60)}!`);

	it("lets one whose checks get stuck again and again delay only its own", async () => {
		const timed = openTimed();
		onTestFinished(() => timed.close());
		await timed.isReady("proj_other");
		let begun = timed.begun;
		const greedy = Array.from({ length: 15 }, (_, n) => timed.begin("proj_greedy", stuck(n), text));
		const finished = () => greedy.filter(({ isOver }) => isOver).length;
		// It is known for them after a few. After each of them, a new thread begins with the rest.
		for (let few = 1; few <= 3; few++) {
			await expect.poll(() => timed.begun).toBeGreaterThan(begun);
			({ begun } = timed);
			timed.pass();
			await expect.poll(finished).toBe(few);
		}
		// From now on, no time passes: behind one of theirs, others would wait without end.
		let answered = 0;
		void (async () => {
			for (let n = 0; n < 300; n++) {
				const issues = await timed.validator.check("proj_other", "{}", String(n));
				if (issues.length === 0) answered++;
			}
		})();
		await expect.poll(() => answered).toBe(300);
		expect(finished()).toBe(3);
	});

	it("goes on refusing a schema of one, however many of another are refused after it", async () => {
		const timed = openForgetful();
		onTestFinished(() => timed.close());
		await timed.isReady("proj_other");
		const refused = [{ path: "", message: expect.stringMatching(/takes (longer|more memory)/) as string }];
		const getStuck = async (project: string, n: number) => {
			const { begun } = timed;
			const check = timed.begin(project, stuck(n), text);
			await expect.poll(() => timed.begun).toBeGreaterThan(begun);
			timed.pass();
			return check.end();
		};
		expect(await getStuck("proj_other", 0)).toEqual(refused);
		for (let n = 1; n <= 3; n++) expect(await getStuck("proj_greedy", n)).toEqual(refused);
		expect(await timed.validator.check("proj_other", stuck(0), json("aa"))).toEqual(refused);
	});
}

function nested(open: string, inner: string, close: string, depth: number): string {
	return open.repeat(depth) + inner + close.repeat(depth);
}

function json(value: unknown): string {
	return JSON.stringify(value);
}
