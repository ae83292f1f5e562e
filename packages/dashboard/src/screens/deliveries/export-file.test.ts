// What a spreadsheet makes of an exported delivery.
import type { Delivery } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { csvLine } from "./export-file.ts";

const DELIVERY: Delivery = {
	id: "dlv_1",
	object: "delivery",
	projectId: "proj_1",
	eventId: "evt_1",
	eventType: "order.paid",
	webhookId: "webhook_1",
	webhookName: "Billing",
	webhookHost: "example.com:443",
	status: "Failed",
	reason: "its retries are used up",
	responseCode: 0,
	lastAttempt: null,
	attemptCount: 4,
	nextAttemptDate: null,
	createDate: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
	updateDate: Date.UTC(2026, 0, 2, 3, 4, 6),
};

it("is a line of its fields, with dates that every program reads", () => {
	expect(csvLine(DELIVERY)).toBe(
		'"dlv_1","evt_1","order.paid","webhook_1","Billing","example.com:443",,"Failed","its retries are used up",0,,,4,' +
			'"2026-01-02T03:04:05.678Z","2026-01-02T03:04:06.000Z",\r\n',
	);
});

it.each([
	['say "hi", and\nmore', '"say ""hi"", and\nmore"'],
	['=HYPERLINK("https://evil.example")', `"'=HYPERLINK(""https://evil.example"")"`],
	["+1", `"'+1"`],
	["-1", `"'-1"`],
	["@SUM(A1)", `"'@SUM(A1)"`],
	["\t=1", `"'\t=1"`],
])("has the name %j as text", (webhookName, written) => {
	expect(csvLine({ ...DELIVERY, webhookName })).toContain(`,${written},`);
});
