// The client: the endpoint, the key, and access to all resources.
import { platformRuntime, type FetchLike, type Runtime } from "./platform.ts";
import { Audit } from "./resources/audit.ts";
import { Keys } from "./resources/keys.ts";
import { ProjectHandle, type Project } from "./resources/project.ts";
import { Projects } from "./resources/projects.ts";
import { checkMaxRetries, checkTimeoutMs, Transport, type RequestOptions } from "./transport.ts";

const DEFAULT_ENDPOINT = "http://127.0.0.1:8787";
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RETRIES = 3;

/** Options of a `Client`. All are optional. */
export interface ClientOptions {
	/** Fanfare's URL, including the path prefix of a proxy, if any. Defaults to `http://127.0.0.1:8787`. */
	readonly endpoint?: string | undefined;
	/** Time limit for one try in milliseconds, from connecting to the last byte of the response. Defaults to 30,000. */
	readonly timeoutMs?: number | undefined;
	/** The most retries of a call, where it is safe to repeat. Defaults to 3. */
	readonly maxRetries?: number | undefined;
	/** Replaces the platform's `fetch`, for example to use a proxy. Optional. */
	readonly fetch?: FetchLike | undefined;
}

/** One installation of Fanfare. */
export interface Workspace {
	readonly id: string;
	readonly object: "workspace";
	readonly name: string;
	readonly owner: string;
	readonly tier: string;
	/** When it was created, in milliseconds since the epoch. */
	readonly createDate: number;
}

/**
 * A client of one Fanfare server. Create one and keep it: it has no state that must be closed.
 *
 * Failed calls are retried with exponential backoff and jitter:
 * - GET, PUT, PATCH, DELETE and sending events: after a 429, any 5xx, a lost connection and a timeout.
 * - Calls that create something, and `test`: only after a 429 or a 503 with `Retry-After`, because then the server has
 *   not started to process the request.
 *
 * A retry waits at least as long as `Retry-After` demands. If that is more than a minute, the call fails at once.
 *
 * @example
 * import { Client } from "@fanfare/sdk";
 *
 * const client = new Client("sk_…", { endpoint: "https://fanfare.example.com" });
 * const project = client.project("proj_ca5fe71e7592bbcf7705ea36e4f29ed4");
 * await project.events.send({ type: "order.paid", data: { orderId: 42 } });
 */
export class Client {
	readonly #transport: Transport;
	readonly #projects: Projects;
	readonly #keys: Keys;
	readonly #audit: Audit;

	/**
	 * @param secretKey an API key, such as `sk_…`
	 * @param options optional; `endpoint` is where Fanfare runs
	 * @param runtime clock, randomness and network, for tests
	 * @throws TypeError if the key or an option is not valid
	 */
	constructor(secretKey: string, options: ClientOptions = {}, runtime: Partial<Runtime> = {}) {
		checkOptions(options);
		const config = {
			endpoint: checkEndpoint(options.endpoint ?? DEFAULT_ENDPOINT),
			secretKey: checkSecretKey(secretKey),
			timeoutMs: checkTimeoutMs(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
			maxRetries: checkMaxRetries(options.maxRetries ?? DEFAULT_MAX_RETRIES),
		};
		const fetch = options.fetch ?? platformRuntime.fetch;
		this.#transport = new Transport(config, { ...platformRuntime, fetch, ...runtime });
		this.#projects = new Projects(this.#transport);
		this.#keys = new Keys(this.#transport);
		this.#audit = new Audit(this.#transport);
	}

	/** Fanfare's URL, without a slash at the end. */
	get endpoint(): string {
		return this.#transport.endpoint;
	}

	/** Creates, lists, changes and deletes projects. */
	get projects(): Projects {
		return this.#projects;
	}

	/** Creates, lists and deletes API keys. */
	get keys(): Keys {
		return this.#keys;
	}

	/** Lists the audit log of the workspace. */
	get audit(): Audit {
		return this.#audit;
	}

	/** Returns the workspace. A cheap way to check the endpoint and the key. */
	async getInfo(options?: RequestOptions): Promise<Workspace> {
		return this.#transport.request<Workspace>({ method: "GET", path: "/workspace", answer: "workspace" }, options);
	}

	/** Returns all projects that the key has access to. */
	async listProjects(options?: RequestOptions): Promise<Project[]> {
		return this.#projects.list(options);
	}

	/** Fetches one project. `proj_` is added to the id if it is missing. Use `project` if you need no fields of it. */
	async getProject(projectId: string, options?: RequestOptions): Promise<Project> {
		return this.#projects.get(projectId, options);
	}

	/**
	 * Returns a handle to work with a project, without a request. `proj_` is added to the id if it is missing.
	 *
	 * @example
	 * const webhooks = await client.project("proj_ca5fe71e7592bbcf7705ea36e4f29ed4").batch.webhooks.list();
	 */
	project(projectId: string): ProjectHandle {
		return new ProjectHandle(this.#transport, projectId);
	}
}

/**
 * Catches plain JavaScript that passes the endpoint as a string: otherwise the key would be sent to the default
 * endpoint.
 */
function checkOptions(options: unknown): void {
	if (typeof options === "object" && options !== null) return;
	throw new TypeError(
		`The client's options must be an object such as { endpoint: "https://…" }, got a ${typeof options}.`,
	);
}

/** The error never contains the key, because errors end up in logs. */
function checkSecretKey(secretKey: unknown): string {
	if (typeof secretKey !== "string" || secretKey === "") {
		throw new TypeError("The secret key must be a non-empty string. Pass an API key of Fanfare, such as sk_…");
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
