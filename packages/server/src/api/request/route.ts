// The definition of a route. One object has everything that the router, the checks, the audit log and the OpenAPI
// document need.
import type { z } from "@hono/zod-openapi";

import type { AuditAction } from "../../core/access/audit.ts";
import type { KeyScope } from "../../core/access/key.ts";
import type { Capability, Principal, Scope } from "../../core/access/principal.ts";
import type { Change } from "../../engine/calls.ts";
import type { AppDeps } from "../deps.ts";
import type { JsonBody } from "./body/json-body.ts";
import type { ServerSentEvents } from "./server-sent-events.ts";

/** The parameters of an OpenAPI path, by the names in braces: `"/a/{b}/{c}:test"` has `b` and `c`. */
export type PathParams<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
	? Readonly<Record<Name, string>> & PathParams<Rest>
	: unknown;

export type Method = "get" | "post" | "put" | "patch" | "delete";

/**
 * Who may make the call: a key of at least this scope, for some routes one of the whole workspace; and for some routes a
 * customer's token, if it has this capability (`read` is what every token may). Null means everybody.
 */
export type Access = {
	readonly scope: KeyScope;
	readonly wholeWorkspace: boolean;
	readonly customers: "read" | Capability | null;
} | null;

/** A request that has passed the checks of its route, as its handler gets it. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
	readonly deps: AppDeps;
	readonly requestId: string;
	/** Who calls; null on open routes. */
	readonly principal: Principal | null;
	/** The data that the caller may use: what the engine's reads take. Null if the path names no project. */
	readonly scope: ScopeOf<Params>;
	/** The same with the draft of the audit entry: what the engine's changes take. */
	readonly change: Omit<Change, "scope"> & { readonly scope: ScopeOf<Params> };
	readonly connection: Connection;
	readonly params: Params;
	readonly query: Query;
	readonly body: Body;
}

/** A path that names a project has a scope. */
type ScopeOf<Params> = Params extends { readonly projectId: string } ? Scope : null;

/** Access to the headers and to the connection, which few handlers need. */
export interface Connection {
	/** The value of a request header. */
	readonly header: (name: string) => string | undefined;
	/** The address of the client, also behind a trusted proxy; null if it is not known. */
	readonly clientAddress: string | null;
	/** The scheme and host that the client has asked for, such as `http://127.0.0.1:8787`. */
	readonly origin: () => string;
	/** The remote address of the connection; undefined if there is no socket. */
	readonly peer: string | undefined;
	/** Closes the connection by force, even while a response is being written. False if there is none, as in a test. */
	readonly abandon: () => boolean;
	/** Whether the client has closed it. */
	readonly isGone: () => boolean;
}

/** A response, as a handler returns it. */
export interface Reply {
	readonly status: number;
	/** A stream is cancelled, and a subscription to events closed, if the client disconnects. */
	readonly body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | ServerSentEvents;
	readonly contentType: string;
	readonly headers?: Readonly<Record<string, string>>;
}

/** A response in the OpenAPI document. */
export interface AnswerDoc {
	readonly description: string;
	/** The schema of a JSON body; omitted for other content types. */
	readonly schema?: z.ZodType;
	/** Defaults to `application/json`. */
	readonly contentType?: string;
	/** Another form of the same, as text, if a caller can choose. */
	readonly text?: { readonly contentType: string; readonly example: string };
	/** An example of the body. If omitted, it is made from the examples of the schema. */
	readonly example?: unknown;
	/** Headers that only this route sends, with their meanings. */
	readonly headers?: Readonly<Record<string, string>>;
}

/** How a body is limited, checked and converted for the handler. */
export interface BodyRule<Body> {
	/** The schema in the OpenAPI document. */
	readonly schema: z.ZodType;
	readonly maxBytes: number;
	readonly example: unknown;
	/** If true, an empty body is read as `{}`. */
	readonly optional?: boolean;
	/**
	 * Members of the body that `read` takes from the text. In a large body they are checked to be JSON, but not parsed: the
	 * value has an empty value of the same kind in their place.
	 */
	readonly textMembers?: readonly string[];
	/** Checks the body and converts it. Throws `invalid_request`. */
	read(json: JsonBody): Body | Promise<Body>;
}

export interface Route<Path extends string = string, Query = unknown, Body = unknown> {
	/** The `operationId` in the OpenAPI document. */
	readonly id: string;
	readonly tag: Tag;
	readonly method: Method;
	/** Written as in OpenAPI: `/projects/{projectId}/batch/webhooks/{webhookId}:test`. */
	readonly path: Path;
	readonly access: Access;
	readonly summary: string;
	readonly description: string;
	readonly query?: z.ZodObject & z.ZodType<Query>;
	readonly body?: BodyRule<Body>;
	/**
	 * The action in the audit log, such as `webhook.update`, or null for sends, which leave no entry. Every route that
	 * changes something sets one or the other.
	 */
	readonly audit?: AuditAction | null;
	/** Fields of the body that set nothing, so that the audit log does not name them. */
	readonly unsetFields?: readonly string[];
	/** The responses that the handler can give, by status. */
	readonly answers: Readonly<Record<number, AnswerDoc>>;
	/**
	 * What an error status means for this route, for the OpenAPI document. The usual errors (400, 401, 403, 404, 408, 413, 431,
	 * 500, 503) have a general text and need none here. The text names the codes that only this route has, such as
	 * `too_many_webhooks`: with a text that names none, the status is not in the document.
	 */
	readonly errors?: Readonly<Record<number, string>>;
	// A method on purpose: TypeScript compares the parameters of methods bivariantly, so that all routes fit in one
	// table.
	handle(call: Call<PathParams<Path>, Query, Body>): Promise<Reply> | Reply;
}

/** The groups of calls in the documents, in this order, each with its description. */
export const TAGS = {
	Workspace: "The installation itself, and the projects that your key opens.",
	Projects: "Tenants. Each project owns its webhooks, events, event types and keys.",
	Keys: "API keys. A key is shown only once, when it is created.",
	Sessions: "People who are signed in to the page.",
	Webhooks: "Registered endpoints, each with a secret, a retry policy and a filter.",
	"Event types":
		"A project's list of event types: the types that its events can have, with JSON Schemas for their data.",
	Events: "What producers send. An accepted event never changes.",
	Customers: "Whom webhooks belong to: strings of your own. No call creates one.",
	Relays: "Webhooks whose receiver is a connected program or a browser tab.",
	"Portal sessions":
		"Tokens with which your customers use the portal. A token is shown only once, when its session is made.",
	"Live stream": "Accepted events, attempts and changes of status, as they happen.",
	Deliveries: "A delivery is one event on its way to one webhook. Each HTTP request for it is an attempt.",
	Replays: "Send old events to a webhook again, in the background.",
	Stats: "Counts and latencies of deliveries in each minute, hour and day.",
	Audit: "Who changed which object, and when. Entries never contain a secret or a payload.",
	Operators: "For operators and tools. Everybody who can reach the port may make these calls.",
} as const;
export type Tag = keyof typeof TAGS;

/** Declares a route. The types of its parameters, query and body are inferred from the declaration. */
export function route<const Path extends string, Query = unknown, Body = unknown>(
	definition: Route<Path, Query, Body>,
): Route {
	return definition;
}

/** Who makes a call of a route that is not open. */
export function callerOf({ principal }: Pick<Call, "principal">): Principal {
	if (principal === null) throw new TypeError("the calls of an open route have no caller");
	return principal;
}

/** Everybody may make the call, without a key. */
export const OPEN: Access = null;

/** A key of at least `scope`, of the workspace or of the project that the path names. */
export function keyWith(scope: KeyScope): Access {
	return { scope, wholeWorkspace: false, customers: null };
}

/** Access for a key of this scope, or for a customer's token with this capability; then the scope of the call is the customer's data. */
export function keyOrCustomerWith(scope: KeyScope, customers: "read" | Capability): Access {
	return { scope, wholeWorkspace: false, customers };
}

/** A key of at least `scope` that opens the whole workspace. */
export function workspaceKeyWith(scope: KeyScope): Access {
	return { scope, wholeWorkspace: true, customers: null };
}

/** A JSON response. */
export function json(value: unknown, status = 200): Reply {
	return { status, body: JSON.stringify(value), contentType: "application/json; charset=utf-8" };
}

/** The action at the end of a path, such as `:test`; "" if there is none. */
export function pathAction(path: string): string {
	return /\}(:[a-z]+)$/.exec(path)?.[1] ?? "";
}

/**
 * An OpenAPI path as Hono writes it. Hono allows no fixed text after a parameter, so an action becomes part of the last
 * parameter's pattern; `serve` removes it from the value. Parameters inside the path have no pattern: with one, the
 * router would keep a branch for each text that follows, which costs 2 µs a request.
 *
 * @example
 * routerPath("/a/{b}/c/{d}:test"); // "/a/:b/c/:d{[^/:]+:test}"
 */
export function routerPath(path: string): string {
	return path
		.replace(/\{([A-Za-z]+)\}(:[a-z]+)?$/, (_, name: string, action = "") => {
			// Of all ids, only those of customers can have a colon.
			const character = name === "customerId" ? "[^/]" : "[^/:]";
			return `:${name}{${character}+${String(action)}}`;
		})
		.replaceAll(/\{([A-Za-z]+)\}(?=\/)/g, ":$1");
}
