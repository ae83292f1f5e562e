// The only way from the SDK to the server: resources provide path and body, this file handles timeouts, retries and
// errors.
import { readAnswer, readText, type AnswerKind } from "./answer.ts";
import { connectionProblem } from "./connection-problem.ts";
import { ConnectionError, TimeoutError, UnexpectedResponseError } from "./errors.ts";
import { mayNameItself, throwIfAborted, type AbortSignalLike, type FetchResponse, type Runtime } from "./platform.ts";
import { repeatDelayMs, type RepeatRule } from "./retry.ts";
import { OpenAnswer } from "./streaming/open-answer.ts";
import { VERSION } from "./version.ts";
import type { BodyNames } from "./wire/names.ts";

/** Options of every call, passed as its last argument. All are optional. */
export interface RequestOptions {
	/**
	 * Aborts the call, also while it waits between tries. The call then rejects with the signal's reason, or with an
	 * `Error` that has it as `cause` if the reason is not an `Error`.
	 */
	readonly signal?: AbortSignalLike | undefined;
	/** Time limit for one try, in milliseconds, from connecting to the last byte. Defaults to the client's `timeoutMs`. */
	readonly timeoutMs?: number | undefined;
	/** The most retries. Defaults to the client's `maxRetries`. */
	readonly maxRetries?: number | undefined;
	/**
	 * For whom you make the call, in your own terms, such as `ada@example.com`: recorded in the audit log beside the key. 1–128
	 * visible ASCII characters, without a space. Defaults to the client's `actor`.
	 */
	readonly actor?: string | undefined;
}

/** Options of a call that sends events. */
export interface SendOptions extends RequestOptions {
	/**
	 * The trace that the events belong to, as W3C Trace Context writes it (`00-<trace id>-<parent id>-<flags>`): receivers get it in the
	 * header `traceparent`. A malformed one is ignored. If omitted, an instrumented `fetch` may add one.
	 */
	readonly traceparent?: string | undefined;
}

/** One call to the server. */
export interface ApiRequest {
	readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
	/** Begins with `/`; ids are already encoded. */
	readonly path: string;
	readonly query?: Readonly<Record<string, string | number | undefined>>;
	/** Headers of this call alone. */
	readonly headers?: Readonly<Record<string, string>>;
	/** The body as JSON text, so that a retry sends exactly the same bytes. */
	readonly json?: string;
	/** The kind of a successful response. If omitted, the caller checks the response itself. */
	readonly answer?: AnswerKind;
	/** The result is an `AnswerWithText`. */
	readonly isTextWanted?: boolean;
	/** The body contains a secret, so errors show nothing of a response that may repeat it. */
	readonly isConfidential?: boolean;
	/** The fields of the body that have another name in the SDK, so that errors show the SDK's names. */
	readonly names?: BodyNames;
	/** Defaults to `"refused"` for POST and `"any"` for other methods. */
	readonly repeat?: RepeatRule;
}

export interface TransportConfig {
	/** Has no slash at the end. */
	readonly endpoint: string;
	/** Null in a page, which has the cookie of a session. */
	readonly secretKey: string | null;
	readonly timeoutMs: number;
	readonly maxRetries: number;
	/** Null for none. */
	readonly actor: string | null;
}

/** Sends the calls of one client. */
export class Transport {
	// A private field of JavaScript, so that neither console.log nor JSON.stringify shows the secret key.
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

	/**
	 * Makes the call once and returns a streaming response of this content type. `timeoutMs` covers only the time until the
	 * headers.
	 */
	async open(
		request: ApiRequest,
		headers: Readonly<Record<string, string>>,
		options: RequestOptions,
		contentType = "text/event-stream",
	): Promise<OpenAnswer> {
		const { signal } = options;
		const actorHeader = this.#actorHeader(options);
		const controller = new AbortController();
		const what = `${request.method} ${this.#config.endpoint}${request.path}`;
		const { response, answer } = await this.#within(what, options, controller, async () => {
			const accept = contentType;
			const response = await this.#send(request, controller.signal, { accept, ...headers, ...actorHeader });
			return { response, answer: isStream(response, contentType) ? null : await readText(response) };
		});
		if (answer !== null) {
			controller.abort();
			readAnswer(request, response, answer, this.#reader());
			const message = `${what} was not answered with a stream. Check whether a proxy is in between.`;
			throw new UnexpectedResponseError(message, { status: response.status, requestId: null });
		}
		return new OpenAnswer(what, response, signal, () => controller.abort());
	}

	/** Opens a streaming response like `open`, with retries until it has begun. */
	async openWithRetries(request: ApiRequest, contentType: string, options: RequestOptions): Promise<OpenAnswer> {
		return this.#withRetries("any", options, () => this.open(request, {}, options, contentType));
	}

	/** Makes the call, retries it where that is safe, and returns the response's JSON or throws. */
	async request<T>(request: ApiRequest, options: RequestOptions = {}): Promise<T> {
		const timeoutMs = checkTimeoutMs(options.timeoutMs ?? this.#config.timeoutMs);
		const actorHeader = this.#actorHeader(options);
		const rule = request.repeat ?? (request.method === "POST" ? "refused" : "any");
		// The only cast from the wire to a type. A test compares the types with the server's OpenAPI document.
		const answer = this.#withRetries(rule, options, () => this.#try(request, timeoutMs, options.signal, actorHeader));
		return (await answer) as T;
	}

	async #withRetries<T>(rule: RepeatRule, options: RequestOptions, tryOnce: () => Promise<T>): Promise<T> {
		const maxRetries = checkMaxRetries(options.maxRetries ?? this.#config.maxRetries);
		for (let tryNumber = 1; ; tryNumber++) {
			try {
				return await tryOnce();
			} catch (error) {
				const delayMs =
					tryNumber > maxRetries ? null : repeatDelayMs(error, rule, tryNumber, () => this.#runtime.random());
				if (delayMs === null) throw error;
				await this.#runtime.sleep(delayMs, options.signal);
			}
		}
	}

	/** Waits with the client's clock. Rejects if the signal is aborted. */
	sleep(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
		return this.#runtime.sleep(ms, signal);
	}

	async #try(
		request: ApiRequest,
		timeoutMs: number,
		signal: AbortSignalLike | undefined,
		actorHeader: Readonly<Record<string, string>>,
	): Promise<unknown> {
		const controller = new AbortController();
		const what = `${request.method} ${this.#config.endpoint}${request.path}`;
		const { response, text, isCut } = await this.#within(what, { timeoutMs, signal }, controller, async () => {
			const response = await this.#send(request, controller.signal, actorHeader);
			// The timeout also covers the body: a server can send headers and then nothing more.
			return { response, ...(await readText(response)) };
		});
		// Nobody reads the rest of the body.
		if (isCut) controller.abort();
		return readAnswer(request, response, { text, isCut }, this.#reader());
	}

	#actorHeader(options: RequestOptions): Readonly<Record<string, string>> {
		const actor = options.actor === undefined ? this.#config.actor : checkActor(options.actor);
		return actor === null ? {} : { "fanfare-actor": actor };
	}

	#reader() {
		return { now: this.#runtime.now(), secretKey: this.#config.secretKey };
	}

	/** Runs `work`, aborts it on timeout or through the caller's signal, and translates its errors into the SDK's. */
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
			if (timedOut) throw new TimeoutError(`${what} got no complete response within ${timeoutMs} ms.`, { cause });
			throw new ConnectionError(`${what} got no response: ${connectionProblem(cause, this.#config.endpoint)}`, {
				cause,
			});
		} finally {
			clearTimeout(timer);
			signal?.removeEventListener("abort", abort);
		}
	}

	#send(request: ApiRequest, signal: AbortSignal, more: Readonly<Record<string, string>> = {}): Promise<FetchResponse> {
		const { secretKey } = this.#config;
		const headers: Record<string, string> = {
			accept: "application/json",
			...request.headers,
			...more,
			// A cookie counts only together with this header, which other sites can't send.
			...(secretKey === null ? { "fanfare-page": "1" } : { "secret-key": secretKey }),
		};
		if (request.json !== undefined) headers["content-type"] = "application/json";
		if (mayNameItself()) headers["user-agent"] = `fanfare-sdk/${VERSION}`;
		// Not called as a method, because a browser's `fetch` must not have another `this`.
		const { fetch } = this.#runtime;
		return fetch(`${this.#config.endpoint}${request.path}${queryString(request.query)}`, {
			method: request.method,
			headers,
			...(request.json === undefined ? {} : { body: request.json }),
			// If redirects were followed, the secret key would be sent to their target.
			redirect: "manual",
			signal,
		});
	}
}

function isStream({ status, headers }: FetchResponse, contentType: string): boolean {
	return status === 200 && (headers.get("content-type") ?? "").startsWith(contentType);
}

/**
 * Builds a path such as ``path`/projects/${id}` ``. Ids are encoded; ids that would change the path throw a
 * `TypeError`.
 */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
	return parts.reduce((whole, part, i) => whole + encodeId(ids[i - 1]) + part);
}

function encodeId(id: unknown): string {
	// A lone surrogate cannot be encoded.
	if (typeof id !== "string" || id === "" || id === "." || id === ".." || /\p{Surrogate}/u.test(id)) {
		throw new TypeError(`An id must be a string such as "webhook_…", got ${JSON.stringify(id) ?? typeof id}.`);
	}
	return encodeURIComponent(id);
}

/** Returns the timeout, or throws a `TypeError` if it is not valid. */
export function checkTimeoutMs(timeoutMs: number): number {
	// A timer with more than 2^31 − 1 ms would fire at once.
	if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 2_147_483_647) return timeoutMs;
	throw new TypeError(`timeoutMs must be an integer from 1 to 2147483647, got ${String(timeoutMs)}.`);
}

/** Returns the number of retries, or throws a `TypeError` if it is not valid. */
export function checkMaxRetries(maxRetries: number): number {
	if (Number.isInteger(maxRetries) && maxRetries >= 0) return maxRetries;
	throw new TypeError(`maxRetries must be an integer of 0 or more, got ${String(maxRetries)}.`);
}

/** Returns the actor, or throws a `TypeError` if it is not valid, without the value: it may be a key. */
export function checkActor(actor: string): string {
	if (typeof actor === "string" && /^[\x21-\x7e]{1,128}$/.test(actor)) return actor;
	throw new TypeError(
		"actor must be a string of 1–128 visible ASCII characters without a space, such as ada@example.com.",
	);
}

function queryString(query: ApiRequest["query"]): string {
	const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
		value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
	);
	return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
