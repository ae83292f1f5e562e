// The one way from the SDK to the server: a resource names path and body, and here are timeout, retries and errors.
import { readAnswer, readText, type AnswerKind } from "./answer.ts";
import { ConnectionError, TimeoutError, UnexpectedResponseError } from "./errors.ts";
import { OpenAnswer } from "./open-answer.ts";
import { mayNameItself, throwIfAborted, type AbortSignalLike, type FetchResponse, type Runtime } from "./platform.ts";
import { repeatDelayMs, type RepeatRule } from "./retry.ts";
import { VERSION } from "./version.ts";

/** What every call takes as its last argument. */
export interface RequestOptions {
	/** Ends the call, its waits between tries included; it then rejects with the signal's reason, as the `cause` of an `Error` if it is none. */
	readonly signal?: AbortSignalLike | undefined;
	/** For this call, in place of the client's: how long one try may take, from connecting to the last byte of the answer. */
	readonly timeoutMs?: number | undefined;
	/** For this call, in place of the client's: tries after the first. */
	readonly maxRetries?: number | undefined;
}

export interface ApiRequest {
	readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
	/** With a `/` in front, ids already encoded. */
	readonly path: string;
	readonly query?: Readonly<Record<string, string | number | undefined>>;
	/** The body, already JSON: what a retry sends is then the same to the byte. */
	readonly json?: string;
	/** What a good answer is; left out where the caller looks for itself. */
	readonly answer?: AnswerKind;
	/** Its body has a secret, so nothing is shown of an answer that may repeat it. */
	readonly isConfidential?: boolean;
	/** `"refused"` for a POST and `"any"` for the other methods, unless said. */
	readonly repeat?: RepeatRule;
}

export interface TransportConfig {
	/** Without a slash at the end. */
	readonly endpoint: string;
	readonly secretKey: string;
	readonly timeoutMs: number;
	readonly maxRetries: number;
}

export class Transport {
	// Private to the language, not only to TypeScript: neither console.log nor JSON.stringify shows the secret key.
	readonly #config: TransportConfig;
	readonly #runtime: Runtime;

	constructor(config: TransportConfig, runtime: Runtime) {
		this.#config = config;
		this.#runtime = runtime;
	}

	get endpoint(): string {
		return this.#config.endpoint;
	}

	get timeoutMs(): number {
		return this.#config.timeoutMs;
	}

	get maxRetries(): number {
		return this.#config.maxRetries;
	}

	/** 0 ≤ random() < 1 */
	random(): number {
		return this.#runtime.random();
	}

	/** Makes the call once, for an answer that goes on; `timeoutMs` is for its beginning alone. */
	async open(
		request: ApiRequest,
		headers: Readonly<Record<string, string>>,
		options: RequestOptions,
	): Promise<OpenAnswer> {
		const { signal } = options;
		const controller = new AbortController();
		const what = `${request.method} ${this.#config.endpoint}${request.path}`;
		const { response, answer } = await this.#within(what, options, controller, async () => {
			const response = await this.#send(request, controller.signal, { accept: "text/event-stream", ...headers });
			return { response, answer: isEventStream(response) ? null : await readText(response) };
		});
		if (answer !== null) {
			controller.abort();
			readAnswer(request, response, answer, this.#reader());
			const message = `${what} was answered with something other than a stream. Does a proxy stand in between?`;
			throw new UnexpectedResponseError(message, { status: response.status, requestId: null });
		}
		return new OpenAnswer(what, response, signal, () => controller.abort());
	}

	/** Makes the call, again where that is safe, and gives the answer's JSON or throws. */
	async request<T>(request: ApiRequest, options: RequestOptions = {}): Promise<T> {
		const maxRetries = checkMaxRetries(options.maxRetries ?? this.#config.maxRetries);
		const timeoutMs = checkTimeoutMs(options.timeoutMs ?? this.#config.timeoutMs);
		const rule = request.repeat ?? (request.method === "POST" ? "refused" : "any");
		for (let tryNumber = 1; ; tryNumber++) {
			try {
				// The one cast from the wire to a type; the server's contract is what vouches for it.
				return (await this.#try(request, timeoutMs, options.signal)) as T;
			} catch (error) {
				const delayMs =
					tryNumber > maxRetries ? null : repeatDelayMs(error, rule, tryNumber, () => this.#runtime.random());
				if (delayMs === null) throw error;
				await this.#runtime.sleep(delayMs, options.signal);
			}
		}
	}

	/** Waits, as between two tries. */
	sleep(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
		return this.#runtime.sleep(ms, signal);
	}

	async #try(request: ApiRequest, timeoutMs: number, signal: AbortSignalLike | undefined): Promise<unknown> {
		const controller = new AbortController();
		const what = `${request.method} ${this.#config.endpoint}${request.path}`;
		const { response, text, isCut } = await this.#within(what, { timeoutMs, signal }, controller, async () => {
			const response = await this.#send(request, controller.signal);
			// Inside the timeout too: a server can send headers and then nothing more.
			return { response, ...(await readText(response)) };
		});
		// Ends the rest of what nobody reads.
		if (isCut) controller.abort();
		return readAnswer(request, response, { text, isCut }, this.#reader());
	}

	#reader() {
		return { now: this.#runtime.now(), secretKey: this.#config.secretKey };
	}

	/** Ends `work` through the controller when its time is up or the caller wants it; its failures become the SDK's. */
	async #within<T>(
		what: string,
		options: Pick<RequestOptions, "timeoutMs" | "signal">,
		controller: AbortController,
		work: () => Promise<T>,
	): Promise<T> {
		const { signal } = options;
		const timeoutMs = checkTimeoutMs(options.timeoutMs ?? this.#config.timeoutMs);
		throwIfAborted(signal);
		const abort = () => controller.abort();
		let timedOut = false;
		const timer = setTimeout(() => {
			timedOut = true;
			abort();
		}, timeoutMs);
		signal?.addEventListener("abort", abort);
		try {
			return await work();
		} catch (cause) {
			throwIfAborted(signal);
			if (timedOut) throw new TimeoutError(`${what} got no whole answer within ${timeoutMs} ms.`, { cause });
			throw new ConnectionError(`${what} got no answer: ${connectionTrouble(cause)}.`, { cause });
		} finally {
			clearTimeout(timer);
			signal?.removeEventListener("abort", abort);
		}
	}

	#send(request: ApiRequest, signal: AbortSignal, more: Readonly<Record<string, string>> = {}): Promise<FetchResponse> {
		const headers: Record<string, string> = {
			accept: "application/json",
			...more,
			"secret-key": this.#config.secretKey,
		};
		if (request.json !== undefined) headers["content-type"] = "application/json";
		if (mayNameItself()) headers["user-agent"] = `fanfare-sdk/${VERSION}`;
		// Not called as a method: a browser's own `fetch` refuses another `this`.
		const { fetch } = this.#runtime;
		return fetch(`${this.#config.endpoint}${request.path}${queryString(request.query)}`, {
			method: request.method,
			headers,
			...(request.json === undefined ? {} : { body: request.json }),
			// Followed, a redirect would carry the secret key to wherever it points.
			redirect: "manual",
			signal,
		});
	}
}

function isEventStream({ status, headers }: FetchResponse): boolean {
	return status === 200 && (headers.get("content-type") ?? "").startsWith("text/event-stream");
}

/** A path from fixed parts and ids, such as ``path`/projects/${id}` ``: each id encoded, and refused if it would change the path. */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
	return parts.reduce((whole, part, i) => whole + encodeId(ids[i - 1]) + part);
}

function encodeId(id: unknown): string {
	// Half a surrogate pair has no encoding.
	if (typeof id !== "string" || id === "" || id === "." || id === ".." || /\p{Surrogate}/u.test(id)) {
		throw new TypeError(`An id must be a string such as "webhook_…", got ${JSON.stringify(id) ?? typeof id}.`);
	}
	return encodeURIComponent(id);
}

/** A time for the wire: integer milliseconds. */
export function milliseconds(name: string, time: Date | number | undefined): number | undefined {
	if (time === undefined) return undefined;
	// By shape: plain JavaScript hands in texts, too, and a Date can come from another realm.
	const ms: unknown = typeof (time as Partial<Date> | null)?.getTime === "function" ? (time as Date).getTime() : time;
	if (typeof ms !== "number" || !Number.isSafeInteger(ms)) {
		throw new TypeError(`${name} must be a valid Date or integer milliseconds since the epoch, got ${String(time)}.`);
	}
	return ms;
}

export function checkTimeoutMs(timeoutMs: number): number {
	// A timer that is longer than 2^31 − 1 ms fires at once.
	if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 2_147_483_647) return timeoutMs;
	throw new TypeError(`timeoutMs must be an integer from 1 to 2147483647, got ${String(timeoutMs)}.`);
}

export function checkMaxRetries(maxRetries: number): number {
	if (Number.isInteger(maxRetries) && maxRetries >= 0) return maxRetries;
	throw new TypeError(`maxRetries must be an integer of 0 or more, got ${String(maxRetries)}.`);
}

function queryString(query: ApiRequest["query"]): string {
	const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
		value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
	);
	return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** What went wrong, as Node's `cause` says it best and other platforms' messages say it somehow. */
function connectionTrouble(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const { cause } = error;
	if (!(cause instanceof Error)) return error.message;
	// Empty for several addresses that were all refused, and for some of what Node's fetch takes for a network error.
	const message = (cause.message === "" ? error.message : cause.message).replace(/\s+/g, " ").trim();
	return "code" in cause ? `${String(cause.code)} (${message})` : message;
}
