// Attempts as text: a JSON array, which begins with the version of its form and the attempt's number. The first attempt of a
// delivery is in the delivery's row, the others are rows of `attempts`. Later forms add elements at the end, and elements at the end
// that are null are omitted.
import type { Attempt, AttemptConnection } from "../../../core/delivery.ts";
import { causeOf } from "../../../core/log/attempt-cause.ts";
import type { LastAttempt } from "../../../ports/store/log.ts";
import { TRIGGER_CODES, TRIGGERS } from "./delivery-rows.ts";
import { nameOf } from "./rows.ts";

/** 1: as in version 0.1, up to `responseBodyTruncated`. 2: all elements. */
const VERSION = 2;

type Headers = Readonly<Record<string, string>>;
/** The headers of a request without custom ones, whose names are no news: that takes a third of the text. */
type StandardHeaders = readonly [userAgent: string, id: string, timestamp: string, signature: string];

/** The elements of the array. The response's headers, body and its truncation are null if no response came. */
type Stored = readonly [
	version: number,
	number: number,
	id: string,
	trigger: number,
	startDate: number,
	durationMs: number,
	responseCode: number,
	error: string | null,
	reason: string | null,
	requestHeaders: Headers | StandardHeaders,
	responseHeaders?: Readonly<Record<string, string>> | null,
	responseBody?: string | null,
	responseBodyTruncated?: 0 | 1 | null,
	webhookRevision?: number | null,
	firstByteMs?: number | null,
	/** Null: no address that may be shown. False: there was no connection. */
	remoteAddress?: string | false | null,
	/** In seconds, since certificates have no fractions of them. */
	certificateExpireDateS?: number | null,
	/** Milliseconds for the look-up, the connection and TLS. */
	opening?: readonly [lookup: number | null, connect: number | null, tls: number | null] | null,
	cause?: string | null,
];

/** SQL for the number of the attempt in a column: the second element of the array. */
export function attemptNumberIn(column: string): string {
	return `CAST(substr(${column}, ${`[${VERSION},`.length + 1}, 16) AS INTEGER)`;
}

export function attemptText(attempt: Attempt): string {
	const { response, connection } = attempt;
	const opening = connection?.opening ?? null;
	const expireDate = connection?.certificateExpireDate ?? null;
	const stored = [
		VERSION,
		attempt.number,
		attempt.id,
		TRIGGER_CODES[attempt.trigger],
		attempt.startDate,
		attempt.durationMs,
		attempt.responseCode,
		attempt.error,
		attempt.reason,
		withoutNames(attempt.requestHeaders),
		response === null ? null : response.headers,
		response === null ? null : response.body,
		response === null ? null : response.bodyTruncated ? 1 : 0,
		attempt.webhookRevision,
		attempt.firstByteMs,
		connection === null ? false : connection.remoteAddress,
		expireDate === null ? null : Math.floor(expireDate / 1_000),
		opening === null ? null : [opening.lookupMs, opening.connectMs, opening.tlsMs],
		// Without an error, it follows from the response's status.
		attempt.error === null ? null : attempt.cause,
	] satisfies Stored;
	const values: unknown[] = stored;
	while (values.at(-1) === null) values.pop();
	return JSON.stringify(values);
}

/** Throws a `RangeError` for a form that this program does not know. */
export function toAttempt(text: string): Attempt {
	const [version, number, id, trigger, startDate, durationMs, responseCode, error, reason, requestHeaders, ...rest] =
		JSON.parse(text) as Stored;
	if (version < 1 || version > VERSION) throw new RangeError(`an attempt has the unknown form ${version}`);
	const [headers = null, body = null, truncated = null, webhookRevision = null, firstByteMs = null, ...wire] = rest;
	const [remoteAddress = version === 1 ? false : null, expireDateS = null, opening = null, cause = null] = wire;
	return {
		id,
		number,
		trigger: nameOf(TRIGGERS, trigger),
		startDate,
		durationMs,
		responseCode,
		error,
		reason,
		cause: causeOf({ error, cause, responseCode }),
		webhookRevision,
		firstByteMs,
		connection: remoteAddress === false ? null : toConnection(remoteAddress, expireDateS, opening),
		requestHeaders: withNames(requestHeaders),
		response: headers === null || body === null ? null : { headers, body, bodyTruncated: truncated === 1 },
	};
}

/** This many characters of the text of an attempt are enough for `toSummary`. */
export const SUMMARY_LENGTH = 200;
/** Version, number, id, trigger, start, duration, response code and error: none of them has a character that JSON escapes. */
const SUMMARY = /^\[\d+,\d+,"[^"]*",(\d+),(\d+),(\d+),(\d+),(?:null|"([^"]*)")[,\]]/;

/** What lists show of an attempt, without its cause, from the beginning of its text. */
export function toSummary(text: string): Omit<LastAttempt, "cause"> {
	const [, trigger, startDate, durationMs, responseCode, error] = SUMMARY.exec(text) ?? [];
	if (trigger === undefined) throw new RangeError("an attempt has an unknown form");
	return {
		trigger: nameOf(TRIGGERS, Number(trigger)),
		startDate: Number(startDate),
		durationMs: Number(durationMs),
		responseCode: Number(responseCode),
		error: error ?? null,
	};
}

const CONTENT_TYPE = "application/json";
const STANDARD_COUNT = 5;

function withoutNames(headers: Headers): Headers | StandardHeaders {
	const { "user-agent": agent, "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature } = headers;
	const hasNoOther = headers["content-type"] === CONTENT_TYPE && Object.keys(headers).length === STANDARD_COUNT;
	if (!hasNoOther || agent === undefined || id === undefined || time === undefined || signature === undefined) {
		return headers;
	}
	return [agent, id, time, signature];
}

function withNames(headers: Headers | StandardHeaders): Headers {
	if (!isStandard(headers)) return headers;
	const [agent, id, time, signature] = headers;
	return {
		"content-type": CONTENT_TYPE,
		"user-agent": agent,
		"webhook-id": id,
		"webhook-timestamp": time,
		"webhook-signature": signature,
	};
}

function isStandard(headers: Headers | StandardHeaders): headers is StandardHeaders {
	return Array.isArray(headers);
}

function toConnection(
	remoteAddress: string | null,
	expireDateS: number | null,
	opening: Stored[17] | null,
): AttemptConnection {
	const [lookupMs, connectMs, tlsMs] = opening ?? [null, null, null];
	return {
		remoteAddress,
		certificateExpireDate: expireDateS === null ? null : expireDateS * 1_000,
		opening: opening === null || opening === undefined ? null : { lookupMs, connectMs, tlsMs },
	};
}
