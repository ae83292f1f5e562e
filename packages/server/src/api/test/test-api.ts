// The API for tests, called without a socket: the real engine on a store in memory, with two projects and keys.
import { systemChance } from "../../adapters/system/system-chance.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { KeyScope } from "../../core/access/key.ts";
import { PORTAL_SESSION_MS } from "../../core/access/portal-session.ts";
import { CAPABILITIES, type Capability } from "../../core/access/principal.ts";
import type { Project } from "../../core/workspace.ts";
import type { Engine } from "../../engine/calls.ts";
import { openTestEngine, type TestEngine } from "../../engine/test/test-engine.ts";
import type { RequestLine } from "../../ports/log.ts";
import type { Store } from "../../ports/store/store.ts";
import { createApi, type Api } from "../app.ts";
import type { ApiDeps } from "../deps.ts";
import { createRequestIds } from "../request/request-id.ts";
import { listReadsOf } from "../resources/list-bodies.ts";

export interface TestApi {
	readonly app: Api["app"];
	readonly lean: Api["lean"];
	readonly unreadResponseBytes: Api["unreadResponseBytes"];
	/** The engine, with helpers that work in `project`. */
	readonly test: TestEngine;
	readonly engine: Engine;
	/** The store as the engine and the API call it. A test can replace one of its calls by one that fails or waits. */
	readonly store: Store;
	readonly project: Project;
	readonly other: Project;
	/** Keys of the whole workspace by scope, and keys of one project: `project` and `other` have the scope `admin`. */
	readonly keys: Readonly<Record<KeyScope | "project" | "projectRead" | "other", string>>;
	/** The token of a new portal session of a customer of `project`, with all capabilities unless some are given. */
	readonly tokenOf: (customerId: string, capabilities?: readonly Capability[]) => Promise<string>;
	/** The lines of the request log. */
	readonly lines: readonly RequestLine[];
}

/** Opens an engine and its API. `project` is the only project besides `other`. */
export async function openTestApi(): Promise<TestApi & AsyncDisposable> {
	const test = await openTestEngine();
	const api = await testApiOn(test, test.engine.projects.get(test.scope));
	return { ...api, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

/** An API on an engine that is open. */
export async function testApiOn(
	test: TestEngine,
	project: Project,
	limits: ApiDeps["limits"] = {},
	publicUrl: string | null = null,
	parts: Partial<ApiDeps> = {},
): Promise<TestApi> {
	const { engine, engineStore: store } = test;
	const lines: RequestLine[] = [];
	const { app, lean, unreadResponseBytes } = createApi({
		engine,
		authenticate: (text) => engine.keys.authenticate(text) ?? engine.portalSessions.authenticate(text),
		store,
		lists: listReadsOf(store),
		isCurrent: () => true,
		metrics: () => Promise.resolve({ contentType: "text/plain; version=0.0.4; charset=utf-8", text: "fanfare_up 1\n" }),
		serverStatus: () => Promise.resolve({ limits: [], warnings: [], database: null }),
		bodyRefused: () => {},
		readRefused: () => {},
		requestLog: (line) => lines.push(line),
		clientAddress: () => null,
		proxyActorHeader: () => null,
		requestOrigin: () => null,
		makeRequestId: createRequestIds(systemChance),
		clock: systemClock,
		publicUrl,
		version: "0.0.0-test",
		portalOrigins: [],
		egressAddresses: [],
		limits,
		...parts,
	});
	const other = await engine.projects.create("Another", null);
	const make = async (scope: KeyScope, projectId: string | null = null): Promise<string> =>
		(await engine.keys.create({ name: "test", scope, projectId }, null)).secretKey;
	const keys = {
		read: await make("read"),
		write: await make("write"),
		admin: await make("admin"),
		project: await make("admin", project.id),
		projectRead: await make("read", project.id),
		other: await make("admin", other.id),
	};
	const tokenOf: TestApi["tokenOf"] = async (customerId, capabilities = CAPABILITIES) => {
		const response = await app.request(`/projects/${project.id}/portal-sessions`, {
			method: "POST",
			headers: { "secret-key": keys.write, "content-type": "application/json" },
			body: JSON.stringify({ customerId, capabilities, expiresInMs: PORTAL_SESSION_MS.max }),
		});
		const { token } = (await response.json()) as { readonly token: string };
		return token;
	};
	return {
		app,
		lean,
		unreadResponseBytes,
		test: test.in(project.id),
		engine,
		store,
		project,
		other,
		keys,
		tokenOf,
		lines,
	};
}
