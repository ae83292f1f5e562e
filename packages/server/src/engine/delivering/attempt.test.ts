// One attempt: the request that is sent, and the verdict on its outcome.
import { describe, expect, it } from "vitest";

import { signingKey } from "../../core/crypto/signing.ts";
import type { ArmedWebhook } from "../../core/webhook.ts";
import type { AttemptOutcome } from "../../ports/sender.ts";
import { buildRequest, judge } from "./attempt.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");

/** Verdicts of all kinds have the same properties. */
const NOTHING = { reason: null, retryAfterMs: null };

function outcome(responseCode: number, changes: Partial<AttemptOutcome> = {}): AttemptOutcome {
	const response = { headers: { "retry-after": "120" }, body: "", bodyTruncated: false };
	const failure = { error: null, reason: null, detail: null, cause: null };
	return { responseCode, ...failure, durationMs: 1, firstByteMs: 1, connection: null, response, ...changes };
}

describe("a response", () => {
	it.each([200, 204, 299])("of %i is a success", (responseCode) => {
		expect(judge(outcome(responseCode), NOW)).toEqual({ kind: "success", responseCode, ...NOTHING });
	});

	it.each([300, 302, 399, 400, 404, 500])("of %i is a failure, and its Retry-After is ignored", (responseCode) => {
		expect(judge(outcome(responseCode), NOW)).toMatchObject({ kind: "failure", responseCode, retryAfterMs: null });
	});

	it.each([429, 503])("of %i is a failure that is retried no sooner than its Retry-After says", (responseCode) => {
		expect(judge(outcome(responseCode), NOW)).toMatchObject({ kind: "failure", retryAfterMs: 120_000 });
	});

	it("of 410 disables the webhook, complete or not", () => {
		for (const gone of [outcome(410), outcome(410, { error: "reset", reason: "it broke off" })]) {
			expect(judge(gone, NOW)).toEqual({ kind: "gone", responseCode: 410, ...NOTHING });
		}
	});

	it.each([200, 500, 0])("that is incomplete is a failure, whatever its status (%i)", (responseCode) => {
		const broken = outcome(responseCode, { error: "reset", reason: "it broke off" });
		expect(judge(broken, NOW)).toEqual({ kind: "failure", responseCode, reason: "it broke off", retryAfterMs: null });
	});
});

describe("a request", () => {
	const webhook = {
		endpoint: "https://example.com/hook",
		timeoutMs: 7_000,
		headers: { "x-tenant": "a", "webhook-signature": "forged", "webhook-id": "forged", "content-type": "text/plain" },
		signingKeys: [
			{ key: signingKey(Buffer.alloc(32, 1)), expireDate: null },
			{ key: signingKey(Buffer.alloc(32, 2)), expireDate: NOW + 1 },
			{ key: signingKey(Buffer.alloc(32, 3)), expireDate: NOW },
		],
	} as unknown as ArmedWebhook;

	it("overrides the headers of the webhook with its own, and is signed with each key that has not expired", () => {
		const event = { eventId: "evt_1", body: Buffer.from("{}"), traceparent: null };
		const { url, headers, body, timeoutMs } = buildRequest(webhook, event, "Fanfare/test", NOW, NOW + 999 - 1_000);
		expect({ url, body, timeoutMs }).toEqual({ url: webhook.endpoint, body: event.body, timeoutMs: 7_000 });
		expect(headers).toMatchObject({
			"x-tenant": "a",
			"content-type": "application/json",
			"user-agent": "Fanfare/test",
			"webhook-id": "evt_1",
			"webhook-timestamp": String(NOW / 1_000 - 1),
		});
		const count = (now: number) =>
			buildRequest(webhook, event, "", now, NOW)
				.headers["webhook-signature"]!.match(/^v1,\S+( v1,\S+)*$/)![0]
				.split(" ").length;
		expect([count(NOW - 1), count(NOW), count(NOW + 1)]).toEqual([3, 2, 1]);
		expect(headers).not.toHaveProperty("traceparent");
	});

	it("has the trace of the event, unless the webhook has a header of this name", () => {
		const event = { eventId: "evt_1", body: Buffer.from("{}"), traceparent: "00-1-2-01" };
		const trace = (of: ArmedWebhook) => buildRequest(of, event, "", NOW, NOW).headers["traceparent"];
		const own = { ...webhook, headers: { traceparent: "own" } };
		expect([trace(webhook), trace(own)]).toEqual(["00-1-2-01", "own"]);
	});
});
