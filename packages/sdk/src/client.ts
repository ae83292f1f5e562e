// The client: where Fanfare is, with which key, and the way to everything in it.
import { platformRuntime, type FetchLike, type Runtime } from "./platform.ts";
import { Audit } from "./resources/audit.ts";
import { Keys } from "./resources/keys.ts";
import { ProjectHandle, type Project } from "./resources/project.ts";
import { Projects } from "./resources/projects.ts";
import { checkMaxRetries, checkTimeoutMs, Transport, type RequestOptions } from "./transport.ts";

const DEFAULT_ENDPOINT = "http://127.0.0.1:8787";
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RETRIES = 3;

export interface ClientOptions {
	/** Where Fanfare is, with the path that a proxy puts before it, if any. Default: `http://127.0.0.1:8787`. */
	readonly endpoint?: string | undefined;
	/** How long one try may take, from connecting to the last byte of the answer. Default: 30,000. */
	readonly timeoutMs?: number | undefined;
	/** Tries after the first, where a call may be repeated. Default: 3. */
	readonly maxRetries?: number | undefined;
	/** In place of the platform's `fetch`. */
	readonly fetch?: FetchLike | undefined;
}

/** What is known about the installation. */
export interface Workspace {
	readonly id: string;
	readonly object: "workspace";
	readonly name: string;
	readonly owner: string;
	readonly tier: string;
	readonly createDate: number;
}

/**
 * A client of one Fanfare. It holds no connection and nothing to close; make one and keep it.
 *
 * Failed tries are repeated, with growing and random waits and never earlier than `Retry-After` allows (after more than a minute
 * of it not at all): GET, PUT, PATCH, DELETE and sending events after a 429, any 5xx, a lost connection and a timeout; calls that
 * create, and `test`, only after a 429 or a 503 with `Retry-After`, where the server has not begun.
 *
 * @example
 * const client = new Client("sk_…", { endpoint: "https://fanfare.example.com" });
 * const project = client.project("proj_ca5fe71e7592bbcf7705ea36e4f29ed4");
 * await project.events.send({ type: "order.paid", data: { orderId: 42 } });
 */
export class Client {
	readonly #transport: Transport;
	readonly #projects: Projects;
	readonly #keys: Keys;
	readonly #audit: Audit;

	/** @param runtime time, chance and network, for tests */
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

	get endpoint(): string {
		return this.#transport.endpoint;
	}

	get projects(): Projects {
		return this.#projects;
	}

	get keys(): Keys {
		return this.#keys;
	}

	get audit(): Audit {
		return this.#audit;
	}

	/** The workspace: a cheap way to see that endpoint and key are right. */
	async getInfo(options?: RequestOptions): Promise<Workspace> {
		return this.#transport.request<Workspace>({ method: "GET", path: "/workspace", answer: "workspace" }, options);
	}

	/** All projects that the key opens. */
	async listProjects(options?: RequestOptions): Promise<Project[]> {
		return this.#projects.list(options);
	}

	/** One project, asked for; `proj_` is added to the id if it is missing. */
	async getProject(projectId: string, options?: RequestOptions): Promise<Project> {
		return this.#projects.get(projectId, options);
	}

	/** A project to work in, without asking for it: nothing is sent before its first call. */
	project(projectId: string): ProjectHandle {
		return new ProjectHandle(this.#transport, projectId);
	}
}

/** Plain JavaScript hands in the endpoint itself; taken for options without one, the key would go to the default endpoint. */
function checkOptions(options: unknown): void {
	if (typeof options === "object" && options !== null) return;
	throw new TypeError(
		`The client's options must be an object such as { endpoint: "https://…" }, got a ${typeof options}.`,
	);
}

/** Never names the key: an error travels into logs. */
function checkSecretKey(secretKey: unknown): string {
	if (typeof secretKey !== "string" || secretKey === "") {
		throw new TypeError("The secret key must be a non-empty string. Hand in one that Fanfare has shown you.");
	}
	if (!/^[\x21-\x7e]+$/.test(secretKey)) {
		throw new TypeError("The secret key has a character that no key has, such as white space or a line end. Trim it.");
	}
	return secretKey;
}

function checkEndpoint(endpoint: string): string {
	const wanted = "endpoint must be an absolute http or https URL such as http://127.0.0.1:8787";
	if (!URL.canParse(endpoint)) throw new TypeError(`${wanted}, got ${JSON.stringify(endpoint) ?? typeof endpoint}.`);
	const url = new URL(endpoint);
	// The text is not repeated from here on: it may hold a password.
	if (url.username !== "" || url.password !== "") throw new TypeError(`${wanted}, without user and password.`);
	if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`${wanted}, got ${url.protocol}.`);
	if (url.search !== "" || url.hash !== "") throw new TypeError(`${wanted}, without a query and a fragment.`);
	return url.origin + url.pathname.replace(/\/+$/, "");
}
