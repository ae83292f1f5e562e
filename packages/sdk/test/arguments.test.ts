// Arguments that plain JavaScript can pass: each is refused with a sentence, before anything is sent.
import { beforeAll, describe, expect, it } from "vitest";

import { milliseconds } from "../src/arguments.ts";
import { FanfareError, type Client } from "../src/index.ts";
import { json, PROJECT_ID, ScriptedServer, testClient, wireProject } from "./scripted-server.ts";

type Call = (...args: unknown[]) => unknown;

/** The getters and methods of an object's class, such as `events` and `send`. */
function publicNames(value: object): string[] {
	const names: string[] = [];
	for (let proto = Object.getPrototypeOf(value) as object; proto !== Object.prototype;) {
		names.push(...Object.getOwnPropertyNames(proto));
		proto = Object.getPrototypeOf(proto) as object;
	}
	return [...new Set(names)].filter((name) => name !== "constructor");
}

/** All calls of a client and of what it leads to, such as `project.events.send`. */
function callsOf(value: object, path: string): (readonly [string, Call])[] {
	return publicNames(value).flatMap((name) => {
		const member = (value as Readonly<Record<string, unknown>>)[name];
		if (typeof member === "function") return [[`${path}.${name}`, member.bind(value) as Call] as const];
		return typeof member === "object" && member !== null ? callsIn(member, `${path}.${name}`) : [];
	});
}

/** Of a class of the SDK, or of a plain object that leads to one, such as `batch`. */
function callsIn(value: object, path: string): (readonly [string, Call])[] {
	if (Array.isArray(value)) return [];
	if (Object.getPrototypeOf(value) !== Object.prototype) return callsOf(value, path);
	return Object.entries(value).flatMap(([name, member]) =>
		typeof member === "object" && member !== null ? callsIn(member as object, `${path}.${name}`) : [],
	);
}

let calls: Map<string, Call>;
let client: Client;
beforeAll(async () => {
	await using server = await ScriptedServer.start(json(200, wireProject));
	client = testClient(server, { maxRetries: 0 }).client;
	const project = await client.getProject(PROJECT_ID);
	// The server is gone, so whatever is sent ends with a ConnectionError.
	calls = new Map([...callsOf(client, "client"), ...callsOf(project, "project")]);
});

async function failure(call: Call, args: unknown[]): Promise<unknown> {
	try {
		const result: unknown = await call(...args);
		return result;
	} catch (error) {
		return error;
	}
}

/** The texts of JavaScript's own errors, which say nothing to somebody who does not know the SDK's code. */
const RAW = /^Cannot (read|destructure|convert|set)|is not (a function|iterable|an object)|^undefined |^null /;

describe("every call", () => {
	it("is found", () => {
		const expected = [
			"client.projects.create",
			"project.events.send",
			"project.batch.webhooks.create",
			"project.replays.get",
		];
		expect([...calls.keys()]).toEqual(expect.arrayContaining(expected));
	});

	it.each([[[]], [["id_1"]], [[["x"]]], [["id_1", ["x"]]], [[7]], [["id_1", 7]]])(
		"explains the arguments %j in a sentence, or sends them",
		async (args) => {
			for (const [name, call] of calls) {
				const error = await failure(call, args);
				if (!(error instanceof Error)) continue;
				expect({ name, isOurs: error instanceof FanfareError || error instanceof TypeError }).toEqual({
					name,
					isOurs: true,
				});
				expect({ name, isRaw: RAW.test(error.message), error: error.message }).toMatchObject({ name, isRaw: false });
			}
		},
	);
});

const EVENT = 'must be an object such as { type: "order.paid", data: { orderId: 42 } }, got';
it.each<[string, unknown[], string]>([
	[
		"project.batch.webhooks.create",
		[],
		'webhook must be an object such as { name: "orders", spec: { endpoint: "https://example.com/hooks" } }, got undefined.',
	],
	["client.projects.create", [], 'project must be an object such as { name: "Shop" }, got undefined.'],
	["client.keys.create", [], 'key must be an object such as { name: "checkout", scope: "write" }, got undefined.'],
	["project.eventTypes.create", [], 'eventType must be an object such as { name: "order.paid" }, got undefined.'],
	["project.events.send", [], `event ${EVENT} undefined.`],
	["project.events.send", ["order.paid"], `event ${EVENT} a string.`],
	[
		"project.events.sendBatch",
		[{}],
		'events must be a list such as [{ type: "order.paid", data: { orderId: 42 } }], got an object.',
	],
	["project.events.sendBatch", [[null]], `events[0] ${EVENT} null.`],
	[
		"project.batch.webhooks.update",
		["webhook_1", { spec: { secret: "whsec_hidden" } }],
		"update can't change the secret, since receivers need time to switch: use updateSecret(webhookId, secret).",
	],
])("%s(%j) is refused: %s", async (name, args, sentence) => {
	const error = await failure(calls.get(name)!, args);
	expect(error).toBeInstanceOf(TypeError);
	expect((error as Error).message).toBe(sentence);
});

describe("a time", () => {
	it.each([1_723_633_671, 500_000_000, 9_999_999_999])("of %d, which are seconds, is refused", async (seconds) => {
		const sentence = `must be a Date or milliseconds since the epoch, got ${seconds}, which looks like seconds: multiply it by 1,000.`;
		expect(() => milliseconds("timestamp", seconds)).toThrow(TypeError);
		const event = { type: "order.paid", data: 1, timestamp: seconds };
		for (const [call, args, name] of [
			["project.events.send", [event], "timestamp"],
			["project.events.sendBatch", [[event]], "timestamp"],
			["project.events.list", [{ after: seconds }], "after"],
			["project.deliveries.list", [{ before: seconds }], "before"],
			["project.batch.webhooks.replay", ["webhook_1", { since: seconds }], "since"],
			["project.stats", [{ from: seconds }], "from"],
		] as const) {
			expect(((await failure(calls.get(call)!, [...args])) as Error).message).toContain(`${name} ${sentence}`);
		}
	});

	it.each([0, 499_999_999, 10_000_000_000, 1_723_633_671_620, new Date(1_723_633_671), new Date(0)])(
		"of %s is taken as it is",
		(time) => expect(milliseconds("timestamp", time)).toBe(Number(time)),
	);
});

/** The calls with a filter, which is their only argument. What they return, the caller iterates over or awaits. */
const FILTERED = /\.(list|export|exportCsv|search|count|retryMany|cancelMany|pollStream|stream)$|^project\.stats$/;

const WITHOUT_FILTER = ["client.projects.list", "project.relays.list"];

it("passes a mistyped filter on, so that the server refuses it", async () => {
	const names = [...calls.keys()].filter((name) => FILTERED.test(name) && !WITHOUT_FILTER.includes(name));
	expect(names.length).toBeGreaterThan(24);
	const refusal = json(400, { message: "No.", code: "invalid_request", requestId: "req_1", issues: [] });
	await using server = await ScriptedServer.start(json(200, wireProject), ...names.map(() => refusal));
	const { client } = testClient(server, { maxRetries: 0 });
	const project = await client.getProject(PROJECT_ID);
	const own = new Map([...callsOf(client, "client"), ...callsOf(project, "project")]);
	for (const name of names) {
		const result = own.get(name)!({ webhok: "billing" }) as AsyncIterable<unknown> | PromiseLike<unknown>;
		const error = await failure(() => ("then" in result ? result : Array.fromAsync(result)), []);
		expect([name, (error as Error).name]).toEqual([name, "BadRequestError"]);
		expect([name, server.last.url + server.last.body]).toEqual([
			name,
			expect.stringMatching(/[?&]webhok=billing\b|"webhok":"billing"/),
		]);
	}
});
