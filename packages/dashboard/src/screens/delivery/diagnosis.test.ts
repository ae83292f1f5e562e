import type { Attempt, AttemptCause } from "@fanfare/sdk";
import { describe, expect, it } from "vitest";

import { diagnose } from "./diagnosis.ts";

type Evidence = Parameters<typeof diagnose>[0];

const answer = (headers: Record<string, string> = {}): Attempt["response"] => ({
	headers,
	body: "",
	bodyTruncated: false,
});
const failed = (error: string, cause: Evidence["cause"] = null): Evidence => ({
	responseCode: 0,
	error,
	cause,
	durationMs: 10,
	response: null,
});
const status = (responseCode: number, headers?: Record<string, string>): Evidence => ({
	responseCode,
	error: null,
	cause: null,
	durationMs: 10,
	response: answer(headers),
});

type ErrorCause = Exclude<AttemptCause, `status_${string}`>;

/** Of each cause: the error that it says more about, and a part of the title. */
const BY_CAUSE: Readonly<Record<ErrorCause, readonly [error: string, title: RegExp]>> = {
	refused: ["refused", /nothing listens/i],
	lookup_failed: ["dns", /could not be looked up/i],
	name_not_found: ["dns", /does not exist/i],
	closed_while_connecting: ["reset", /before it was set up/i],
	connection_lost: ["reset", /connection was lost/i],
	closed_before_response: ["reset", /without a response/i],
	closed_during_response: ["reset", /broke off/i],
	tls_failed: ["tls", /no secure connection/i],
	certificate_expired: ["tls", /expired/i],
	certificate_not_yet_valid: ["tls", /not valid yet/i],
	certificate_name_mismatch: ["tls", /another host/i],
	certificate_self_signed: ["tls", /by itself/i],
	certificate_untrusted: ["tls", /authority/i],
	not_tls: ["tls", /no TLS/i],
	blocked_address: ["blocked_address", /not public/i],
	unreachable: ["unreachable", /no route/i],
	timed_out: ["timeout", /no response in time/i],
	connect_timeout: ["timeout", /never accepted/i],
	lookup_timeout: ["timeout", /look-up .* took too long/i],
	tls_timeout: ["timeout", /handshake took too long/i],
	response_timeout: ["timeout", /did not respond in time/i],
	body_timeout: ["timeout", /began, but did not end/i],
	headers_timeout: ["timeout", /its headers did not end/i],
	invalid_response: ["protocol", /not HTTP/i],
	response_headers_too_large: ["protocol", /headers are too large/i],
	unexpected_bytes: ["protocol", /more bytes/i],
	invalid_request: ["protocol", /can't be sent/i],
	proxy_failed: ["unreachable", /proxy of Fanfare/i],
};

const CASES: readonly (readonly [what: string, evidence: Evidence, title: RegExp])[] = [
	...Object.entries(BY_CAUSE).map(([cause, [error, title]]) => [cause, failed(error, cause), title] as const),
	["an error that is not known yet", failed("new_error"), /failed/i],
	["a redirect", status(302), /redirects/i],
	["401", status(401), /credentials/i],
	["403", status(403), /refuses/i],
	["404", status(404), /nothing at this path/i],
	["405", status(405), /no POST/i],
	["410", status(410), /no more events/i],
	["413", status(413), /too large/i],
	["415", status(415), /does not take JSON/i],
	["429", status(429), /too often/i],
	["500", status(500), /the receiver failed/i],
	["502", status(502), /proxy/i],
	["503", status(503), /not available/i],
	["504", status(504), /waited too long/i],
	["another 4xx", status(422), /rejects/i],
	["a website in place of an API", status(400, { "content-type": "text/html; charset=utf-8" }), /website/i],
];

describe("the diagnosis", () => {
	it.each(CASES)("of %s says what happened, why, and what to do", (_what, evidence, title) => {
		const diagnosis = diagnose(evidence);
		expect(diagnosis?.title).toMatch(title);
		expect(diagnosis?.likely).toMatch(/\.$/);
		expect(diagnosis?.cure).toMatch(/\.$/);
	});

	it.each([
		["https://hooks.example.com/a", "203.0.113.7", "hooks.example.com:443 (203.0.113.7)"],
		["http://hooks.example.com:8080/a?b", null, "hooks.example.com:8080"],
		["http://203.0.113.7/a", "203.0.113.7", "203.0.113.7:80"],
		["https://[2001:db8::1]:444/", "2001:db8::1", "[2001:db8::1]:444"],
		["relay:laptop", null, "the receiver's address"],
		[null, null, "the receiver's address"],
	])("names the address of %s that was called", (endpoint, remoteAddress, where) => {
		const title = diagnose({ ...failed("refused"), endpoint, remoteAddress })?.title;
		expect(title).toBe(`Nothing listens at ${where}`);
	});

	it("is different for each cause", () => {
		const titles = CASES.map(([, evidence]) => diagnose(evidence)?.title);
		expect(new Set(titles).size).toBe(titles.length);
	});

	it("is silent about success, but warns of one that was nearly too late", () => {
		expect(diagnose(status(204), 15_000)).toBeNull();
		expect(diagnose({ ...status(200), durationMs: 12_500 }, 15_000)?.title).toMatch(/only just/);
		expect(diagnose({ ...status(200), durationMs: 12_500 })).toBeNull();
	});
});
