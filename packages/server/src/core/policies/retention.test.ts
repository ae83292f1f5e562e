import { describe, expect, it } from "vitest";

import { retentionConflict, retentionLimits, type LogRetention, type ProjectRetention } from "./retention.ts";

const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const UNSET = { retentionDays: null, payloadRetentionDays: null };
const days = (ago: number | null): number | null => (ago === null ? null : NOW - ago * DAY_MS);

describe("retention", () => {
	const KEPT_30: LogRetention = { retentionDays: 30, payloadRetentionDays: null };
	const KEPT_30_AND_7 = { ...KEPT_30, payloadRetentionDays: 7 };

	it.each<[string, LogRetention, ProjectRetention, number | null, number | null]>([
		["the server's settings apply if the project has none", KEPT_30, UNSET, 30, null],
		["payloads can be purged earlier than events", KEPT_30_AND_7, UNSET, 30, 7],
		["0 days keeps events for ever", { ...KEPT_30, retentionDays: 0 }, UNSET, null, null],
		["events are kept for ever, and payloads for 7 days", { ...KEPT_30_AND_7, retentionDays: 0 }, UNSET, null, 7],
		["the project's replace the server's", KEPT_30_AND_7, { retentionDays: 90, payloadRetentionDays: 1 }, 90, 1],
		["a project can keep its events for ever", KEPT_30, { ...UNSET, retentionDays: 0 }, null, null],
		["or payloads as long as events", KEPT_30_AND_7, { ...UNSET, payloadRetentionDays: 0 }, 30, null],
		[
			"payloads have no limit of their own if events are purged first",
			KEPT_30_AND_7,
			{ ...UNSET, retentionDays: 3 },
			3,
			null,
		],
	])("%s", (_, server, project, events, payloads) => {
		const limits = { eventsBefore: days(events), payloadsBefore: days(payloads) };
		expect(retentionLimits(server, project, NOW)).toEqual(limits);
	});

	it("conflicts only if both are set and the payload would outlive the event", () => {
		expect(retentionConflict(7, 8)).toMatch(/^must not be more than the 7 days/);
		for (const [a, b] of [
			[7, 7],
			[7, 0],
			[0, 8],
			[null, 8],
			[7, null],
		] as const) {
			expect(retentionConflict(a, b)).toBeNull();
		}
	});
});
