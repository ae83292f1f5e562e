import { expect, it } from "vitest";

import { shortReason } from "./short-reason.ts";

it.each([
	["exhausted after 4 attempts: connection refused by 192.0.2.7:443", 0, "connection refused by 192.0.2.7:443"],
	["exhausted after 1 attempt: the receiver responded with 503", 503, ""],
	["the receiver responded with 302; redirects are not followed", 302, "redirects are not followed"],
	["the receiver responded with 410: the webhook is gone", 410, "the webhook is gone"],
	["the receiver responded with 410 Gone", 410, "Gone"],
	["exhausted after 1 attempt: the receiver answered 503", 503, ""],
	["the receiver responded with 5030", 503, "the receiver responded with 5030"],
	["the webhook is paused", null, "the webhook is paused"],
	[null, 500, ""],
])("the reason %j of an answer %j is %j beside the other columns of a list", (reason, code, short) => {
	expect(shortReason(reason, code)).toBe(short);
});
