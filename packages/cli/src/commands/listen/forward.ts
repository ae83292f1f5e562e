// Forwards one request to the local program, byte for byte as any receiver gets it, and returns its result.
import { request as requestHttp, type ClientRequest, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";

import type { RelayError } from "@fanfare/sdk";

import type { Target } from "./target.ts";

/** Pairs of name and value, in their order, with duplicates. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** What is sent. */
export interface SignedRequest {
	readonly headers: HeaderPairs;
	readonly body: Uint8Array;
}

/** What the local program has answered, or why it has not. */
export type Outcome =
	| {
			readonly kind: "response";
			readonly status: number;
			readonly headers: HeaderPairs;
			/** Its beginning, if it is long. */
			readonly body: Buffer;
			readonly durationMs: number;
	  }
	| { readonly kind: "failure"; readonly error: RelayError; readonly reason: string; readonly durationMs: number };

/** The part of a response's body that is kept. The server's log has 4 KiB of it. */
const MAX_BODY_BYTES = 64 * 1_024;
/** What the server takes of an answer. */
const MAX_HEADERS = 200;
const MAX_VALUE_LENGTH = 16_384;
const MAX_REASON_LENGTH = 500;
const MAX_HEADER_BYTES = 65_536;
/** A body that is longer is cut off: it might never end. */
const MAX_READ_BYTES = 4 * 1_024 * 1_024;

const ERRORS: Readonly<Record<string, RelayError>> = {
	ECONNREFUSED: "refused",
	ENOTFOUND: "dns",
	EAI_AGAIN: "dns",
	ECONNRESET: "reset",
	EPIPE: "reset",
	ETIMEDOUT: "timeout",
};

/** Sends the request, and reads the response. Never rejects. */
export async function forward(target: Target, request: SignedRequest, timeoutMs: number): Promise<Outcome> {
	const startedAt = performance.now();
	const durationMs = () => Math.round(performance.now() - startedAt);
	const abort = new AbortController();
	const timer = setTimeout(() => abort.abort(), timeoutMs);
	try {
		const response = await send(target, request, abort.signal);
		const { statusCode: status = 0 } = response;
		if (status < 200 || status > 599) {
			response.destroy();
			return failure("protocol", `the program responded with the status ${status}`, durationMs());
		}
		const body = await read(response);
		return { kind: "response", status, headers: pairs(response.rawHeaders), body, durationMs: durationMs() };
	} catch (error) {
		if (abort.signal.aborted) {
			return failure("timeout", `the program did not respond within ${timeoutMs} ms`, durationMs());
		}
		return failure(kindOf(error), messageOf(error), durationMs());
	} finally {
		clearTimeout(timer);
	}
}

function send(target: Target, { headers, body }: SignedRequest, signal: AbortSignal): Promise<IncomingMessage> {
	const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
	const { url, hostname, port, isLocal } = target;
	// A flat list keeps the order, the case of the names and duplicates.
	const raw = ["host", url.host, ...headers.flat(), "content-length", String(body.length)];
	const options = {
		method: "POST",
		host: hostname,
		port,
		path: url.pathname + url.search,
		headers: raw,
		// A connection of its own: a kept one may be closed by a restart of the program just as it is used.
		agent: false as const,
		maxHeaderSize: MAX_HEADER_BYTES,
		signal,
	};
	const request: ClientRequest =
		url.protocol === "https:"
			? // A certificate for localhost is its owner's own, and what is sent does not leave the machine.
				requestHttps({ ...options, rejectUnauthorized: !isLocal })
			: requestHttp(options);
	request.once("response", resolve);
	// Without a listener, the socket would be destroyed with a misleading error.
	request.once("upgrade", (response, socket) => {
		socket.destroy();
		resolve(response);
	});
	request.on("error", reject);
	request.end(body);
	return promise;
}

async function read(response: IncomingMessage): Promise<Buffer> {
	const kept: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of response as AsyncIterable<Buffer>) {
		if (bytes < MAX_BODY_BYTES) kept.push(chunk.subarray(0, MAX_BODY_BYTES - bytes));
		bytes += chunk.length;
		if (bytes > MAX_READ_BYTES) break;
	}
	return Buffer.concat(kept);
}

function pairs(raw: readonly string[]): HeaderPairs {
	const found: [string, string][] = [];
	for (let index = 0; index + 1 < raw.length && found.length < MAX_HEADERS; index += 2) {
		found.push([raw[index] ?? "", (raw[index + 1] ?? "").slice(0, MAX_VALUE_LENGTH)]);
	}
	return found;
}

function failure(error: RelayError, reason: string, durationMs: number): Outcome {
	return { kind: "failure", error, reason: reason.slice(0, MAX_REASON_LENGTH), durationMs };
}

function kindOf(error: unknown): RelayError {
	const { code = "" } = error as NodeJS.ErrnoException;
	const known = ERRORS[code];
	if (known !== undefined) return known;
	if (code.startsWith("HPE_")) return "protocol";
	if (code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || /CERT|SIGNATURE|ISSUER/.test(code)) return "tls";
	return code.startsWith("ERR_") ? "protocol" : "unreachable";
}

function messageOf(error: unknown): string {
	// What Node throws if it has tried several addresses has no message of its own.
	const all = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
	return all.map((one) => (one instanceof Error ? one.message : String(one))).join("; ") || "no response";
}
