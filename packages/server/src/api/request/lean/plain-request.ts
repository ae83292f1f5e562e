// Which requests are plain: they say all that they say beside their body in the form in which most clients say it. They may take the lean
// path (lean-path.ts), and sends among them can be read by the threads that accept requests.
import type { NodeBody } from "../body/body-reader.ts";

/** The part of Node's `IncomingMessage` that is used here. */
export interface NodeRequest extends NodeBody {
	readonly method?: string | undefined;
	readonly url?: string | undefined;
	readonly httpVersion: string;
	readonly headers: NodeHeaders;
	/** Names and values as they were sent, one after the other. */
	readonly rawHeaders: readonly string[];
	readonly socket: { readonly remoteAddress?: string | undefined };
	/** Whether all of it has arrived. */
	readonly complete: boolean;
	resume(): unknown;
}

export type NodeHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Bodies up to this size are parsed without waiting for a turn: most of a server's work. */
export const QUICK_BODY_BYTES = 16 * 1_024;
export const PROJECT = "/projects/{projectId}";
/** An event for many relays is answered by all of them at once, and their clients can all come back together. */
const STREAM = "/relays/{relayId}/requests";
const ANSWER = `${STREAM}/{requestId}:answer`;
/** The calls that may take it: their methods, and their paths after the project. */
export const CALLS: ReadonlySet<string> = new Set([
	"post /events",
	"post /events:batch",
	`get ${STREAM}`,
	`post ${ANSWER}`,
]);
/** Nothing in them can be written in another way: no escapes, no query. */
const SEND_PATH = /^\/projects\/(proj_[0-9a-f]{32})(\/events(?::batch)?)$/;
const RELAY_PATH =
	/^\/projects\/(proj_[0-9a-f]{32})\/relays\/(relay_[0-9a-f-]{36})\/requests(?:\/([\w.-]{1,80}):answer)?$/;
const PLAIN_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;
const PLAIN_LENGTH = /^[1-9]\d{0,4}$/;
/** The hosts that `@hono/node-server` takes without parsing them as a part of a URL. */
const PLAIN_HOST = /^[a-z0-9._-]+(?::(?:[1-5]\d{3,4}|[6-9]\d{3}))?$/;
/** Headers that change how a request is read or who makes it. */
const UNUSUAL = [
	"transfer-encoding",
	"content-encoding",
	"expect",
	"upgrade",
	"trailer",
	"cookie",
	"fanfare-page",
	"fanfare-actor",
	"origin",
] as const;

/** Which of the calls a request makes by its path, with the path's parameters; null if none. */
export function calledBy(
	method: "GET" | "POST",
	path: string,
): { readonly name: string; readonly params: Readonly<Record<string, string>> } | null {
	if (method === "POST") {
		const [, projectId, action] = SEND_PATH.exec(path) ?? [];
		if (projectId !== undefined) return { name: `post ${action}`, params: { projectId } };
	}
	const [, projectId, relayId, requestId] = RELAY_PATH.exec(path) ?? [];
	if (projectId === undefined || relayId === undefined) return null;
	if (method === "GET")
		return requestId === undefined ? { name: `get ${STREAM}`, params: { projectId, relayId } } : null;
	return requestId === undefined ? null : { name: `post ${ANSWER}`, params: { projectId, relayId, requestId } };
}

/** Whether all that a request says beside its body is what most clients say, in the usual form. */
export function isPlain({ method, httpVersion, headers, rawHeaders }: NodeRequest): boolean {
	if (httpVersion !== "1.1") return false;
	// Node and the Fetch standard join headers that are sent twice in different ways.
	if (Object.keys(headers).length * 2 !== rawHeaders.length) return false;
	for (const name of UNUSUAL) if (headers[name] !== undefined) return false;
	return (
		(method === "GET" ? headers["content-length"] === undefined : hasPlainBody(headers)) &&
		plainText(headers, "host", PLAIN_HOST) !== null &&
		(headers["authorization"] !== undefined || headers["secret-key"] !== undefined)
	);
}

function hasPlainBody(headers: NodeHeaders): boolean {
	const length = plainText(headers, "content-length", PLAIN_LENGTH);
	const isShort = length !== null && Number(length) <= QUICK_BODY_BYTES;
	return isShort && plainText(headers, "content-type", PLAIN_TYPE) !== null;
}

/** The value of a header; null if it is missing or has another form. */
function plainText(headers: NodeHeaders, name: string, form: RegExp): string | null {
	const value = headers[name];
	return typeof value === "string" && form.test(value) ? value : null;
}
