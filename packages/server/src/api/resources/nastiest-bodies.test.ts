// The largest bodies of the nastiest shapes, in every list, map and object of every call: they are read in small pieces, and a
// limit is checked before what it limits. The time that this takes is measured by the benchmark `nastiest-bodies`.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { expect, it, vi } from "vitest";

import { systemClock } from "../../adapters/system/system-clock.ts";
import { JsonScanner } from "../request/body/json-scanner.ts";
import { CHARACTERS_PER_TURN } from "../request/body/turns.ts";
import { bodyWith, callsWithBody, openPaths, type BodyField } from "../test/body-fields.ts";
import { caller } from "../test/caller.ts";
import { nastyShapes } from "../test/nasty-shapes.ts";

/** Texts up to this length are parsed at once. */
const PIECE = CHARACTERS_PER_TURN;
/** Names, messages and the like, which are parsed without a turn, as small bodies are. */
const SHORT_TEXTS = 16 * 1_024;
/** The largest number of issues in a response. */
const ISSUES = 51;

interface Work {
	/** The most characters that were parsed or scanned in one turn of the event loop. */
	readonly mostInOneTurn: number;
	readonly longestParsed: number;
	readonly scanned: number;
}

/** Counts the characters that are parsed and scanned from now on. */
function watchWork(): () => Work {
	let inThisTurn = 0;
	const work = { mostInOneTurn: 0, longestParsed: 0, scanned: 0 };
	const add = (characters: number): void => {
		inThisTurn += characters;
		work.mostInOneTurn = Math.max(work.mostInOneTurn, inThisTurn);
	};
	const { parse } = JSON;
	const parseSpy = vi.spyOn(JSON, "parse").mockImplementation((text, reviver) => {
		add(text.length);
		work.longestParsed = Math.max(work.longestParsed, text.length);
		return parse(text, reviver) as unknown;
	});
	const step = Reflect.get<JsonScanner, "step">(JsonScanner.prototype, "step");
	const stepSpy = vi.spyOn(JsonScanner.prototype, "step").mockImplementation(function (this: JsonScanner, characters) {
		add(characters);
		work.scanned += characters;
		return step.call(this, characters);
	});
	const nextTurn = systemClock.nextTurn.bind(systemClock);
	const turnSpy = vi.spyOn(systemClock, "nextTurn").mockImplementation((fire) => {
		nextTurn(() => {
			inThisTurn = 0;
			fire();
		});
	});
	const stop = (): Work => {
		for (const spy of [parseSpy, stepSpy, turnSpy]) spy.mockRestore();
		return work;
	};
	return stop;
}

const isStructure = ({ kinds }: BodyField): boolean =>
	kinds === null || kinds.includes("object") || kinds.includes("array");

/** All places where a list, a map or an object can be too large, with the shapes that are tried there. */
const cases = callsWithBody().flatMap((callWithBody) =>
	callWithBody.fields.filter(isStructure).flatMap(({ at, kinds }) => {
		const shapes = nastyShapes(callWithBody.maxBytes - bodyWith(callWithBody, at, "").length);
		return shapes.map((shape) => ({ callWithBody, at, kinds, shape, name: `${callWithBody.id}: ${at.join(".")}` }));
	}),
);

it("reads the largest body of any shape in pieces, wherever its list or object is, and stops at the limit", async () => {
	const api = await caller();
	const pathOf = await openPaths(api);
	const read = async ({ callWithBody, at, kinds, shape, name }: (typeof cases)[number]) => {
		const { method, path, maxBytes } = callWithBody;
		const body = bodyWith(callWithBody, at, shape.json());
		expect(body.length).toBeLessThanOrEqual(maxBytes);
		const stop = watchWork();
		const { status, json, text } = await api.call(method, pathOf(path), body);
		const { mostInOneTurn, longestParsed } = stop();
		const issues = (json["issues"] ?? []) as { path: string; message: string }[];
		// Only the limit of a list is reported, and nothing about its elements.
		const isList = kinds?.includes("array") === true && shape.kind === "array";
		expect([name, shape.title, issues.length > (isList ? 1 : ISSUES)]).toEqual([name, shape.title, false]);
		expect([name, longestParsed > PIECE, mostInOneTurn > PIECE + SHORT_TEXTS]).toEqual([name, false, false]);
		expect([name, status < 500, text.length < 64 * 1_024]).toEqual([name, true, true]);
	};
	await fc.assert(fc.asyncProperty(fc.constantFrom(...cases), read), { numRuns: runs(50) });
});

it("refuses 470,000 unknown members at the first dozens", async () => {
	const { call } = await caller();
	const members = Array.from({ length: 470_000 }, (_, n) => `"${n.toString(36)}":1`);
	const body = `{${members.join(",")}}`;
	const stop = watchWork();
	const { status, json } = await call("POST", "./events:batch", body);
	expect(status).toBe(400);
	expect((json["issues"] as { path: string }[])[0]).toMatchObject({ path: "0" });
	expect(stop().scanned).toBeLessThanOrEqual(CHARACTERS_PER_TURN);
});

it("accepts a batch of 5 MiB whose events have nasty data, byte for byte", async () => {
	const { call, accepted } = await caller();
	const datas = nastyShapes(200 * 1_024).map((shape) => shape.json());
	const texts = Array.from({ length: 20 }, (_, n) => `{"type":"a","data": ${datas[n % datas.length]!} }`);
	const { status, json } = await call("POST", "./events:batch", `{"events":[${texts.join(",")}]}`);
	expect([status, new Set((json["data"] as { status: number }[]).map((item) => item.status))]).toEqual([
		202,
		new Set([202]),
	]);
	expect((await accepted()).map(({ dataJson }) => dataJson)).toEqual(texts.map((_, n) => datas[n % datas.length]));
});

it("shows at most 1,000 issues of a batch, and each event's status and message", async () => {
	const { call } = await caller();
	const event = `{"type":"a","data":1,${Array.from({ length: 62 }, (_, n) => `"${"x".repeat(60)}${n}":1`).join(",")}}`;
	const body = `{"events":[${Array.from({ length: 1_000 }, () => event).join(",")}]}`;
	const { json, text } = await call("POST", "./events:batch", body);
	const errors = (json["data"] as { status: number; error: { message: string; issues?: unknown[] } }[]).map(
		({ error }) => error,
	);
	expect(errors).toHaveLength(1_000);
	expect(errors.every(({ message }) => message.includes("is not a known field"))).toBe(true);
	expect(errors.reduce((sum, { issues = [] }) => sum + issues.length, 0)).toBe(1_000);
	expect(text.length).toBeLessThan(1_024 * 1_024);
});

it("answers a large batch as it answers a small one", async () => {
	const events = [
		'{"type":"no good","data":1}',
		'"text"',
		'{"type":"a","data":1,"colour":1}',
		'{"type":"a","data":1,"data":2}',
	];
	const more = ['{"type":"a"}', "null", '{"data":1,"\\u0074ype":"a"}', '{"type":"a","data":1,"webhookIds":[]}', "[1]"];
	const small = `{"events":[${[...events, ...more].join(",")}]}`;
	const { call } = await caller();
	const results = ({ data }: Readonly<Record<string, unknown>>) =>
		(data as { status: number; error?: unknown }[]).map(({ status, error }) => ({ status, error }));
	const expected = results((await call("POST", "./events:batch", small)).json);
	expect(expected.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400, 202, 400, 400]);
	const large = await call("POST", "./events:batch", small + " ".repeat(1_024 * 1_024));
	expect(results(large.json)).toEqual(expected);
	for (const body of [
		"{}",
		'{"events":{}}',
		'{"events":[]}',
		'{"events":[1],"x":1}',
		"[]",
		"x",
		'{"events":[1],"events":[1]}',
	]) {
		const [one, other] = [
			await call("POST", "./events:batch", body),
			await call("POST", "./events:batch", body + " ".repeat(1_024 * 1_024)),
		];
		expect([other.status, other.json["code"], other.json["issues"]]).toEqual([
			400,
			one.json["code"],
			one.json["issues"],
		]);
	}
});
