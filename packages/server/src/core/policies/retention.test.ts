import { describe, expect, it } from "vitest";

import { retentionConflict, retentionLimits } from "./retention.ts";

const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const UNSET = { retentionDays: null, payloadRetentionDays: null };
const days = (ago: number | null): number | null => (ago === null ? null : NOW - ago * DAY_MS);

describe("retention", () => {
	it.each([
		[
			"the server's settings apply if the project has none",
			{ retentionDays: 30, payloadRetentionDays: null },
			UNSET,
			30,
			null,
		],
		["payloads can be purged earlier than events", { retentionDays: 30, payloadRetentionDays: 7 }, UNSET, 30, 7],
		["0 days keeps events for ever", { retentionDays: 0, payloadRetentionDays: null }, UNSET, null, null],
		[
			"events can be kept for ever, and payloads for 7 days",
			{ retentionDays: 0, payloadRetentionDays: 7 },
			UNSET,
			null,
			7,
		],
		[
			"the settings of the project replace the server's",
			{ retentionDays: 30, payloadRetentionDays: 7 },
			{ retentionDays: 90, payloadRetentionDays: 1 },
			90,
			1,
		],
		[
			"a project can keep its events for ever",
			{ retentionDays: 30, payloadRetentionDays: null },
			{ ...UNSET, retentionDays: 0 },
			null,
			null,
		],
		[
			"a project can keep payloads as long as events",
			{ retentionDays: 30, payloadRetentionDays: 7 },
			{ ...UNSET, payloadRetentionDays: 0 },
			30,
			null,
		],
		[
			"payloads have no limit of their own if events are purged first",
			{ retentionDays: 30, payloadRetentionDays: 7 },
			{ ...UNSET, retentionDays: 3 },
			3,
			null,
		],
	])("%s", (_, server, project, events, payloads) => {
		expect(retentionLimits(server, project, NOW)).toEqual({
			eventsBefore: days(events),
			payloadsBefore: days(payloads),
		});
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
