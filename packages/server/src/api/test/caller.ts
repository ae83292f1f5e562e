// Makes calls to the API for tests: adds a key and a body, parses the response.
import { expect, onTestFinished } from "vitest";

import { projectScope } from "../../core/access/principal.ts";
import { dataJsonOf, type Event } from "../../core/event.ts";
import { openTestEngine, type TestEngine } from "../../engine/test/test-engine.ts";
import type { ApiDeps } from "../deps.ts";
import { as, type Answer } from "./answers.ts";
import { requireDocumented } from "./documented.ts";
import { IN_ACCEPTOR_THREAD, listenOnNode, requestTo } from "./node-server.ts";
import { openTestApi, testApiOn, type TestApi } from "./test-api.ts";

export type { Answer };

export interface Caller extends TestApi {
	/**
	 * A `body` that is a string, bytes or a stream is sent unchanged, anything else as JSON. `./` means in the project. Throws if the
	 * response is not one that the OpenAPI document describes, so that each test of the API is also one of the document.
	 */
	readonly call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
	/** A GET, with another key or token than that of the workspace's admin if one is given. */
	readonly get: (path: string, key?: string) => Promise<Answer>;
	/** Creates a webhook and returns its id. Nothing listens at its endpoint unless the test gives one. */
	readonly makeWebhook: (endpoint?: string, more?: WebhookFields) => Promise<string>;
	/** Sends an event of the type `a` and returns its id. */
	readonly sendEvent: (more?: object, headers?: Record<string, string>) => Promise<string>;
	/** The accepted events of the project, oldest first, with their data as it is stored. */
	readonly accepted: () => Promise<(Event & { readonly dataJson: string })[]>;
	/** The data of an event, as it is stored. `event` is the event as the API shows it. */
	readonly dataJson: (event: Answer["json"]) => Promise<string>;
}

/** Fields of a webhook beside its endpoint. */
interface WebhookFields {
	readonly name?: string;
	readonly customerId?: string | null;
	readonly key?: string;
	readonly spec?: object;
}

const NOBODY_LISTENS = "http://127.0.0.1:1/";
const FIRST_PAGE = { limit: 1_000, cursor: null };
const SEND = /\/events(?::batch)?$/;
/** Whether sends go over a connection to a server with the lean path, and not straight to the app: see vitest.config.ts. */
const OVER_LEAN_PATH = process.env["TEST_SENDS"] === "lean" || IN_ACCEPTOR_THREAD;

/** The engine of a test file. Opening one takes about 15 ms, so the tests of a file share it. */
let shared: { readonly file: string | undefined; readonly engine: Promise<TestEngine> } | null = null;

/**
 * An API with new projects and keys for one test, on the engine that the tests of a file share. Calls of the store that
 * the test replaces are restored when it has finished.
 */
export async function caller(
	limits?: ApiDeps["limits"],
	publicUrl: string | null = null,
	parts: Partial<ApiDeps> = {},
): Promise<Caller> {
	const test = await sharedEngine();
	const calls = { ...test.engineStore };
	onTestFinished(() => void Object.assign(test.engineStore, calls));
	const project = await test.engine.projects.create("My project", null);
	return callerOf(await testApiOn(test, project, limits, publicUrl, parts));
}

/** Several test files run in a process, one after the other. The engine of the last one ends with the process. */
function sharedEngine(): Promise<TestEngine> {
	const file = expect.getState().testPath;
	if (shared === null || shared.file !== file) shared = { file, engine: openInPlaceOf(shared?.engine) };
	return shared.engine;
}

async function openInPlaceOf(earlier: Promise<TestEngine> | undefined): Promise<TestEngine> {
	await (await earlier)?.[Symbol.asyncDispose]();
	return openTestEngine();
}

/** Like `caller`, on an engine of its own, for tests that need the whole workspace or stop the engine. */
export async function callerAlone(): Promise<Caller> {
	const api = await openTestApi();
	onTestFinished(() => api[Symbol.asyncDispose]());
	return callerOf(api);
}

async function callerOf(api: TestApi): Promise<Caller> {
	const { app, lean, keys, project, test } = api;
	const port = OVER_LEAN_PATH ? await listenOnNode(app, lean) : null;
	const call: Caller["call"] = async (method, path, body, headers = {}) => {
		const url = path.startsWith("./") ? `/projects/${project.id}/${path.slice(2)}` : path;
		const allHeaders = { "secret-key": keys.admin, "content-type": "application/json", ...headers };
		const sent = body === undefined ? undefined : asBody(body);
		const isSend = method === "POST" && SEND.test(url) && sent !== undefined && !(sent instanceof ReadableStream);
		const response =
			port !== null && isSend
				? await requestTo(port, url, { method, headers: allHeaders, body: sent })
				: await app.request(url, {
						method,
						headers: allHeaders,
						...(sent !== undefined && { body: sent, duplex: "half" }),
					});
		const text = await response.text();
		const isJson = response.headers.get("content-type")?.startsWith("application/json") === true && text !== "";
		const json = isJson ? (JSON.parse(text) as Answer["json"]) : {};
		const line = api.lines.findLast(({ requestId }) => requestId === response.headers.get("x-request-id"));
		if (line !== undefined && isJson) requireDocumented(line, json);
		return { status: response.status, headers: response.headers, text, json };
	};
	const get: Caller["get"] = (path, key = keys.admin) => call("GET", path, undefined, as(key));
	const makeWebhook: Caller["makeWebhook"] = async (endpoint = NOBODY_LISTENS, { spec, ...more } = {}) => {
		const { json } = await call("POST", "./batch/webhooks", { name: "a", ...more, spec: { endpoint, ...spec } });
		return json["id"] as string;
	};
	const sendEvent: Caller["sendEvent"] = async (more = {}, headers = {}) =>
		(await call("POST", "./events", { type: "a", data: 1, ...more }, headers)).json["id"] as string;
	const storedData = async (event: Event) =>
		dataJsonOf(event, (await test.store.eventBody(projectScope(project.id), event.id))!);
	const dataJson: Caller["dataJson"] = async ({ id }) =>
		storedData((await test.store.event(projectScope(project.id), id as string))!);
	const accepted = async () => {
		const { rows } = await test.store.events(
			projectScope(project.id),
			{ types: null, after: null, before: null },
			FIRST_PAGE,
		);
		// One after the other: a project may have only some hundred reads waiting.
		const withData: (Event & { readonly dataJson: string })[] = [];
		for (const event of rows.toReversed()) withData.push({ ...event, dataJson: await storedData(event) });
		return withData;
	};
	return { ...api, call, get, makeWebhook, sendEvent, accepted, dataJson };
}

function asBody(body: unknown): string | Uint8Array<ArrayBuffer> | ReadableStream {
	if (typeof body === "string" || body instanceof ReadableStream) return body;
	return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}
