// The headers of an attempt in its text.
import { expect, it } from "vitest";

import { Records } from "../../../ports/contract/store/records/records.ts";
import { attemptText, toAttempt } from "./attempt-rows.ts";

const STANDARD = {
	"content-type": "application/json",
	"user-agent": "Fanfare/9 (webhooks)",
	"webhook-id": "evt_1",
	"webhook-timestamp": "1700000000",
	"webhook-signature": "v1,abc= v1,def=",
};
const records = new Records();

it.each([
	["those of every request", STANDARD],
	["others besides", { "x-own": "***", ...STANDARD }],
	["another content type", { ...STANDARD, "content-type": "text/plain" }],
	[
		"one that is missing",
		{ "content-type": "application/json", "user-agent": "a", "webhook-id": "b", host: "c", d: "e" },
	],
	["none", {}],
])("are read in their order as they were written: %s", (_, requestHeaders) => {
	const attempt = records.attempt(1, { requestHeaders });
	const read = toAttempt(attemptText(attempt));
	expect(read).toEqual(attempt);
	expect(Object.entries(read.requestHeaders)).toEqual(Object.entries(requestHeaders));
});

it("take no names if they are those of every request", () => {
	const text = attemptText(records.attempt(1, { requestHeaders: STANDARD }));
	expect(text).not.toContain("webhook-");
	expect(text).toContain('["Fanfare/9 (webhooks)","evt_1","1700000000","v1,abc= v1,def="]');
});
