// The client: the endpoint, the key, and access to all resources.
import { platformRuntime, type FetchLike, type Runtime } from "./platform.ts";
import { Sessions } from "./resources/access/sessions.ts";
import {
	completeStatus,
	type EgressAddresses,
	type SentStatus,
	type WorkspaceStatus,
} from "./resources/access/status.ts";
import { Audit } from "./resources/audit.ts";
import type { AnyEvents } from "./resources/event.ts";
import { Keys, type Caller } from "./resources/keys.ts";
import { ProjectHandle, type Project } from "./resources/project.ts";
import { Projects } from "./resources/projects.ts";
import { releaseMany, type WebhooksReleased } from "./resources/webhooks/releases.ts";
import { checkActor, checkMaxRetries, checkTimeoutMs, Transport, type RequestOptions } from "./transport.ts";

const DEFAULT_ENDPOINT = "http://127.0.0.1:8787";
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RETRIES = 3;
/** In place of a key: the session of the page. A symbol, so that a key that is missing by mistake is none. */
const NO_KEY: unique symbol = Symbol("the session of the page");

/** Options of a `Client`. All are optional. */
export interface ClientOptions {
	/** Fanfare's URL, including the path prefix of a proxy, if any. Defaults to `http://127.0.0.1:8787`. */
	readonly endpoint?: string | undefined;
	/** Time limit for one try in milliseconds, from connecting to the last byte of the response. Defaults to 30,000. */
	readonly timeoutMs?: number | undefined;
	/** The most retries of a call, where it is safe to repeat. Defaults to 3. */
	readonly maxRetries?: number | undefined;
	/**
	 * For whom the client makes its calls, in your own terms, such as `ada@example.com`: recorded in the audit log beside the
	 * key. 1–128 visible ASCII characters, without a space. Optional; a call can have its own. Not with the token of a portal session, which
	 * has its own actor.
	 */
	readonly actor?: string | undefined;
	/** Replaces the platform's `fetch`, for example to use a proxy. Optional. */
	readonly fetch?: FetchLike | undefined;
}

/** One installation of Fanfare. */
export interface Workspace {
	/** `ws_` and 32 hex digits. */
	readonly id: string;
	/** Always `"workspace"`. */
	readonly object: "workspace";
	/** Its name. */
	readonly name: string;
	/** Who operates it. */
	readonly owner: string;
	/** What Nexus calls the plan; of no meaning in Fanfare. */
	readonly tier: string;
	/** When it was created, in milliseconds since the epoch. */
	readonly createDate: number;
}

/**
 * A client of one Fanfare server. Create one and keep it: it has no state that must be closed.
 *
 * Failed calls are retried with exponential backoff and jitter:
 * - GET, PUT, PATCH, DELETE and sending events: after a 408, a 429, any 5xx, a lost connection and a timeout.
 * - Calls that create something, and `test`: only after a 408, a 429 or a 503 with `Retry-After`, because then the server has
 *   done nothing, or, of a call on many objects, only a part, which it does not do again.
 *
 * A retry waits at least as long as `Retry-After` demands. If that is more than a minute, the call fails at once.
 *
 * @example
 * import { Client } from "@fanfare/sdk";
 *
 * const client = new Client("sk_…", { endpoint: "https://fanfare.example.com" });
 * const project = client.project("proj_ca5fe71e7592bbcf7705ea36e4f29ed4");
 * await project.events.send({ type: "order.paid", data: { orderId: 42 } });
 *
 * @example
 * // With types of your own events, the compiler checks what you send.
 * interface ShopEvents {
 * 	"order.paid": { readonly orderId: number };
 * }
 * const client = new Client<ShopEvents>("sk_…");
 */
export class Client<Types extends object = AnyEvents> {
	readonly #transport: Transport;
	readonly #projects: Projects<Types>;
	readonly #keys: Keys;
	readonly #sessions: Sessions;
	readonly #audit: Audit;

	/**
	 * @param secretKey an API key, such as `sk_…`, or the token of a portal session, such as `ps_…`. Never use an API key in a browser
	 * @param options optional; `endpoint` is where Fanfare runs
	 * @throws TypeError if the key or an option is not valid, or if there is no such option
	 */
	constructor(secretKey: string, options?: ClientOptions);
	/** @internal The clock, randomness and network are parameters for the SDK's own tests. */
	constructor(secretKey: string, options: ClientOptions, runtime: Partial<Runtime>);
	constructor(secretKey: string | typeof NO_KEY, options: ClientOptions = {}, runtime: Partial<Runtime> = {}) {
		checkOptions(options);
		const config = {
			endpoint: checkEndpoint(options.endpoint ?? DEFAULT_ENDPOINT),
			secretKey: secretKey === NO_KEY ? null : checkSecretKey(secretKey),
			timeoutMs: checkTimeoutMs(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
			maxRetries: checkMaxRetries(options.maxRetries ?? DEFAULT_MAX_RETRIES),
			actor: options.actor === undefined ? null : checkActor(options.actor),
		};
		const fetch = options.fetch ?? platformRuntime.fetch;
		this.#transport = new Transport(config, { ...platformRuntime, fetch, ...runtime });
		this.#projects = new Projects(this.#transport);
		this.#keys = new Keys(this.#transport);
		this.#sessions = new Sessions(this.#transport);
		this.#audit = new Audit(this.#transport);
	}

	/**
	 * Returns a client without a key, for a page that the server itself serves: it makes its calls in the session that the browser has a
	 * cookie of. `client.sessions.signIn` begins one.
	 *
	 * @throws TypeError if an option is not valid, or if there is no such option
	 *
	 * @example
	 * const client = Client.inPage({ endpoint: location.origin });
	 * const { name } = await client.getInfo();
	 */
	static inPage<Types extends object = AnyEvents>(options: ClientOptions = {}): Client<Types> {
		return new Client<Types>(NO_KEY as never, options);
	}

	/** Fanfare's URL, without a slash at the end. */
	get endpoint(): string {
		return this.#transport.endpoint;
	}

	/** Creates, lists, changes and deletes projects. */
	get projects(): Projects<Types> {
		return this.#projects;
	}

	/** Creates, lists, renames, rolls and deletes API keys. */
	get keys(): Keys {
		return this.#keys;
	}

	/** Signs people in to the page and out of it, and makes sign-in links. */
	get sessions(): Sessions {
		return this.#sessions;
	}

	/** Lists the audit log of the workspace. */
	get audit(): Audit {
		return this.#audit;
	}

	/** Returns the workspace. A cheap way to check the endpoint and the key. */
	async getInfo(options?: RequestOptions): Promise<Workspace> {
		return this.#transport.request<Workspace>({ method: "GET", path: "/workspace", answer: "workspace" }, options);
	}

	/**
	 * Returns what the server is doing, how much room it has, and warnings. Needs a key of the whole workspace.
	 *
	 * @example
	 * const { warnings } = await client.getStatus();
	 * for (const { code, message } of warnings) console.warn(code, message);
	 */
	async getStatus(options?: RequestOptions): Promise<WorkspaceStatus> {
		const request = { method: "GET", path: "/workspace/status", answer: "workspaceStatus" } as const;
		return completeStatus(await this.#transport.request<SentStatus>(request, options));
	}

	/**
	 * Returns the addresses that the server's attempts come from, for receivers behind a firewall; none if the operator has set none.
	 *
	 * @example
	 * const { addresses } = await client.getEgressAddresses();
	 */
	async getEgressAddresses(options?: RequestOptions): Promise<EgressAddresses> {
		return this.#transport.request<EgressAddresses>(
			{ method: "GET", path: "/workspace/egress-addresses", answer: "egressAddresses" },
			options,
		);
	}

	/**
	 * Returns what the client's key or token allows: its scope, its project, its customer.
	 *
	 * @example
	 * const { scope, projectId } = await client.getCaller();
	 */
	async getCaller(options?: RequestOptions): Promise<Caller> {
		return this.#transport.request<Caller>({ method: "GET", path: "/workspace/key", answer: "caller" }, options);
	}

	/** Returns all projects that the key has access to. */
	async listProjects(options?: RequestOptions): Promise<Project<Types>[]> {
		return this.#projects.list(options);
	}

	/** Fetches one project. `proj_` is added to the id if it is missing. Use `project` if you need no fields of it. */
	async getProject(projectId: string, options?: RequestOptions): Promise<Project<Types>> {
		return this.#projects.get(projectId, options);
	}

	/**
	 * Resumes the webhooks of all projects that a restore from a backup has paused, and no others; at most 500 per call. Needs an
	 * admin key of the whole workspace.
	 *
	 * @example
	 * while (!(await client.releaseWebhooks()).complete);
	 */
	async releaseWebhooks(options?: RequestOptions): Promise<WebhooksReleased> {
		return releaseMany(this.#transport, "/workspace/webhooks", options);
	}

	/**
	 * Returns a handle to work with a project, without a request. `proj_` is added to the id if it is missing.
	 *
	 * @example
	 * const webhooks = await client.project("proj_ca5fe71e7592bbcf7705ea36e4f29ed4").batch.webhooks.list();
	 */
	project(projectId: string): ProjectHandle<Types> {
		return new ProjectHandle(this.#transport, projectId);
	}
}

/** All options. The compiler refuses a list that lacks one. */
const OPTIONS: Readonly<Record<keyof ClientOptions, true>> = {
	endpoint: true,
	timeoutMs: true,
	maxRetries: true,
	actor: true,
	fetch: true,
};

/**
 * Catches what plain JavaScript can pass: the endpoint as a string, or an option by a wrong name. Otherwise the key would be sent to the
 * default endpoint.
 */
function checkOptions(options: unknown): void {
	if (typeof options !== "object" || options === null) {
		throw new TypeError(
			`The client's options must be an object such as { endpoint: "https://…" }, got a ${typeof options}.`,
		);
	}
	const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
	if (unknown === undefined) return;
	const all = Object.keys(OPTIONS).join(", ");
	throw new TypeError(`The client has no option ${JSON.stringify(unknown)}. Its options are: ${all}.`);
}

/** The error never contains the key, because errors end up in logs. */
function checkSecretKey(secretKey: unknown): string {
	if (typeof secretKey !== "string" || secretKey === "") {
		throw new TypeError(
			"The secret key must be a non-empty string. Pass an API key of Fanfare, such as sk_…, or the token of a portal session.",
		);
	}
	if (!/^[\x21-\x7e]+$/.test(secretKey)) {
		throw new TypeError("The secret key contains white space, a line break or another invalid character. Remove it.");
	}
	return secretKey;
}

function checkEndpoint(endpoint: string): string {
	const expected = "endpoint must be an absolute http or https URL such as http://127.0.0.1:8787";
	if (!URL.canParse(endpoint)) throw new TypeError(`${expected}, got ${JSON.stringify(endpoint) ?? typeof endpoint}.`);
	const url = new URL(endpoint);
	// The errors below do not repeat the endpoint, because it may contain a password.
	if (url.username !== "" || url.password !== "") throw new TypeError(`${expected}, without user name and password.`);
	if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`${expected}, got ${url.protocol}.`);
	if (url.search !== "" || url.hash !== "") throw new TypeError(`${expected}, without a query and fragment.`);
	return url.origin + url.pathname.replace(/\/+$/, "");
}
