// What a route is: one entry of the table that gives the router, the checks and the OpenAPI document all they need.
import type { z } from "@hono/zod-openapi";

import type { ApiKey, Scope } from "../../core/crypto/key.ts";
import type { ApiDeps } from "../deps.ts";
import type { JsonBody } from "./body/json-body.ts";

/** The names in braces of an OpenAPI path: `"/a/{b}/{c}:test"` has `b` and `c`. */
export type PathParams<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
	? Readonly<Record<Name, string>> & PathParams<Rest>
	: unknown;

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** Who may call: `null` is everybody; else a key of at least this scope, and for some routes one of the whole workspace. */
export type Access = { readonly scope: Scope; readonly wholeWorkspace: boolean } | null;

/** A request that has passed the checks of its route. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
	readonly deps: ApiDeps;
	readonly requestId: string;
	/** The key it came with; null on open routes. */
	readonly key: ApiKey | null;
	readonly connection: Connection;
	readonly params: Params;
	readonly query: Query;
	readonly body: Body;
}

/** What few handlers need of the request and its connection. */
export interface Connection {
	readonly header: (name: string) => string | undefined;
	/** Ends it by force, whatever is being written. */
	readonly abandon: () => void;
}

/** What a handler answers. */
export interface Reply {
	readonly status: number;
	/** A stream is cancelled when the client goes away. */
	readonly body: string | ReadableStream<Uint8Array>;
	readonly contentType: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** The call was only a question this time: it leaves no entry in the audit log. */
	readonly changedNothing?: boolean;
}

export interface AnswerDoc {
	readonly description: string;
	/** Of a JSON answer; left out for other content types. */
	readonly schema?: z.ZodType;
	readonly contentType?: string;
}

/** How a body becomes what the handler gets. */
export interface BodyRule<Body> {
	/** What the OpenAPI document shows. */
	readonly schema: z.ZodType;
	readonly maxBytes: number;
	readonly example: unknown;
	/** An empty body is `{}`. */
	readonly optional?: boolean;
	/** Checks; throws `invalid_request`. */
	read(json: JsonBody): Body;
}

export interface Route<Path extends string = string, Query = unknown, Body = unknown> {
	readonly id: string;
	readonly tag: Tag;
	readonly method: Method;
	/** As in OpenAPI: `/projects/{projectId}/batch/webhooks/{webhookId}:test`. */
	readonly path: Path;
	readonly access: Access;
	readonly summary: string;
	readonly description: string;
	readonly query?: z.ZodObject & z.ZodType<Query>;
	readonly body?: BodyRule<Body>;
	/**
	 * What the audit log calls it, such as `webhook.update`; null for sends, which leave no entry. Every route that changes something
	 * has one of both.
	 */
	readonly audit?: string | null;
	/** Fields of the body that are taken for the sake of older clients and change nothing. */
	readonly ignoredFields?: readonly string[];
	/** The responses that the handler can give, by status. */
	readonly answers: Readonly<Record<number, AnswerDoc>>;
	/**
	 * What an error status means for this route, for the OpenAPI document. The usual errors (400, 401, 403, 404, 413, 500, 503) have
	 * a general text and need none here.
	 */
	readonly errors?: Readonly<Record<number, string>>;
	// Written as a method on purpose: its parameter is then compared loosely, so that routes of all kinds fit in one table.
	handle(call: Call<PathParams<Path>, Query, Body>): Promise<Reply> | Reply;
}

export const TAGS = {
	Workspace: "The installation itself, and the projects that your key opens.",
	Projects: "Tenants. Each project owns its webhooks, events, event types and keys.",
	Keys: "API keys. A key is shown only once, when it is created.",
	Webhooks: "Registered endpoints, each with a secret, a retry policy and a filter.",
	"Event types":
		"A project's list of event types: the types that its events can have, with JSON Schemas for their data.",
	Events: "What producers send. An accepted event never changes.",
	"Live stream": "Accepted events, attempts and changes of status, as they happen.",
	Deliveries: "A delivery is one event on its way to one webhook. Each HTTP request for it is an attempt.",
	Replays: "Send old events to a webhook again, in the background.",
	Stats: "Counts and latencies of deliveries in each minute, hour and day.",
	Audit: "Who changed which object, and when. Entries never contain a secret or a payload.",
	Operators: "For operators and tools. Everybody who can reach the port may make these calls.",
} as const;
export type Tag = keyof typeof TAGS;

/** Declares a route, with the types of its parameters, query and body worked out from the declaration. */
export function route<const Path extends string, Query = unknown, Body = unknown>(
	definition: Route<Path, Query, Body>,
): Route {
	return definition;
}

export const OPEN: Access = null;

/** A key of at least `scope`, of the workspace or of the project that the path names. */
export function keyWith(scope: Scope): Access {
	return { scope, wholeWorkspace: false };
}

/** A key of at least `scope` that is not bound to one project. */
export function workspaceKeyWith(scope: Scope): Access {
	return { scope, wholeWorkspace: true };
}

/** A JSON answer. */
export function json(value: unknown, status = 200): Reply {
	return { status, body: JSON.stringify(value), contentType: "application/json; charset=utf-8" };
}

/** The action at the end of a path, such as `:test`; "" if there is none. */
export function pathAction(path: string): string {
	return /\}(:[a-z]+)$/.exec(path)?.[1] ?? "";
}

/**
 * The router's spelling of an OpenAPI path. An action belongs to its parameter's pattern, since Hono has no fixed text
 * after a pattern; `serve` takes it off again. A parameter inside the path has no pattern: with one, the router keeps a
 * branch for each text that follows, which costs 2 µs a request.
 *
 * @example
 * routerPath("/a/{b}/c/{d}:test"); // "/a/:b/c/:d{[^/:]+:test}"
 */
export function routerPath(path: string): string {
	return path
		.replace(/\{([A-Za-z]+)\}(:[a-z]+)?$/, (_, name: string, action = "") => `:${name}{[^/:]+${String(action)}}`)
		.replaceAll(/\{([A-Za-z]+)\}(?=\/)/g, ":$1");
}
