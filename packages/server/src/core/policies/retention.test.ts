import { describe, expect, it } from "vitest";

import { retentionConflict, retentionLimits } from "./retention.ts";

const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const UNSET = { retentionDays: null, payloadRetentionDays: null };
const days = (ago: number | null): number | null => (ago === null ? null : NOW - ago * DAY_MS);

describe("retention", () => {
	it.each([
		["the server's", { retentionDays: 30, payloadRetentionDays: null }, UNSET, 30, null],
		["payloads earlier", { retentionDays: 30, payloadRetentionDays: 7 }, UNSET, 30, 7],
		["for ever", { retentionDays: 0, payloadRetentionDays: null }, UNSET, null, null],
		["the log for ever, payloads not", { retentionDays: 0, payloadRetentionDays: 7 }, UNSET, null, 7],
		[
			"the project's",
			{ retentionDays: 30, payloadRetentionDays: 7 },
			{ retentionDays: 90, payloadRetentionDays: 1 },
			90,
			1,
		],
		[
			"never for a project",
			{ retentionDays: 30, payloadRetentionDays: null },
			{ ...UNSET, retentionDays: 0 },
			null,
			null,
		],
		[
			"payloads with the event",
			{ retentionDays: 30, payloadRetentionDays: 7 },
			{ ...UNSET, payloadRetentionDays: 0 },
			30,
			null,
		],
		[
			"an event that goes before its payload would",
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

	it("has a conflict only where both are set and the payload would outlive the event", () => {
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
