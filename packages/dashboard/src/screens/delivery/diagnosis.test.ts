import type { Attempt } from "@fanfare/sdk";
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

const CASES: readonly (readonly [what: string, evidence: Evidence, title: RegExp])[] = [
	["a refused connection", failed("refused"), /nothing listens/i],
	["a look-up that failed", failed("dns", "lookup_failed"), /could not be looked up/i],
	["a name that does not exist", failed("dns", "name_not_found"), /does not exist/i],
	["an expired certificate", failed("tls", "certificate_expired"), /expired/i],
	["a certificate of another host", failed("tls", "certificate_name_mismatch"), /another host/i],
	["an unknown authority", failed("tls", "certificate_untrusted"), /authority/i],
	["a certificate signed by itself", failed("tls", "certificate_self_signed"), /by itself/i],
	["plain HTTP behind https", failed("tls", "not_tls"), /no TLS/i],
	["a connection that was never accepted", failed("timeout", "connect_timeout"), /never accepted/i],
	["an answer that did not come", failed("timeout", "response_timeout"), /did not answer in time/i],
	["an answer without end", failed("timeout", "body_timeout"), /did not end/i],
	["an address that is not public", failed("blocked_address"), /not public/i],
	["a cut connection", failed("reset", "closed_before_response"), /without an answer/i],
	["an answer that is not HTTP", failed("protocol", "invalid_response"), /not HTTP/i],
	["an unreachable host", failed("unreachable"), /no route/i],
	["an error that is not known yet", failed("new_error"), /failed/i],
	["a redirect", status(302), /redirects/i],
	["401", status(401), /credentials/i],
	["403", status(403), /refuses/i],
	["404", status(404), /nothing at this path/i],
	["410", status(410), /no more events/i],
	["413", status(413), /too large/i],
	["429", status(429), /too often/i],
	["500", status(500), /the receiver failed/i],
	["502", status(502), /proxy/i],
	["503", status(503), /not available/i],
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
