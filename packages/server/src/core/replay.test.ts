import { describe, expect, it } from "vitest";

import { createReplayMatcher, replayOutcome, replayProgress, type Replay, type ReplayFilter } from "./replay.ts";

const filter: ReplayFilter = { since: 0, until: 100, outcomes: ["Failed"], eventTypes: null, missedEventTypes: null };

describe("the outcome of an event at a webhook", () => {
	it("is the final status of the newest delivery, or Missed without any", () => {
		expect(replayOutcome([])).toBe("Missed");
		expect(replayOutcome(["Succeeded", "Failed"])).toBe("Succeeded");
		expect(replayOutcome(["Failed", "Succeeded"])).toBe("Failed");
		expect(replayOutcome(["Cancelled"])).toBe("Cancelled");
	});

	it("is null while any delivery is Pending or Held, even an older one", () => {
		expect(replayOutcome(["Pending"])).toBeNull();
		expect(replayOutcome(["Succeeded", "Held"])).toBeNull();
	});
});

describe("a replay's filter", () => {
	it("matches the given outcomes, and missed events only if both lists have their type", () => {
		const { wants } = createReplayMatcher({
			...filter,
			outcomes: ["Failed", "Missed"],
			eventTypes: ["a.*", "b"],
			missedEventTypes: ["a.b", "c"],
		});
		expect(wants("a.c", "Failed")).toBe(true);
		expect(wants("a.c", "Succeeded")).toBe(false);
		expect(wants("c", "Failed")).toBe(false);
		expect(wants("a.b", "Missed")).toBe(true);
		expect(wants("a.c", "Missed")).toBe(false);
		expect(wants("c", "Missed")).toBe(false);
	});
});

describe("progress", () => {
	const ids = { id: "replay_1", projectId: "proj_1", customerId: null, webhookId: "webhook_1" };
	const counts = { chosenCount: null, scannedCount: 0, deliveryCount: 0 };
	const dates = { firstEventDate: 10, lastEventDate: 50, createDate: 100, updateDate: 100, endDate: null };
	const progress = (changes: Partial<Replay>) =>
		replayProgress({ ...ids, ...counts, ...dates, filter, status: "Running", position: 20, ...changes });

	it("goes from the oldest to the newest event in the range", () => {
		expect(progress({ firstEventDate: null, lastEventDate: null, position: null })).toBe(0);
		expect(progress({})).toBe(0.25);
		expect(progress({ position: 50 })).toBe(1);
		expect(progress({ status: "Cancelled" })).toBe(0.25);
	});

	it("is 1 at the end, and never divides by zero", () => {
		expect(progress({ status: "Finished", position: null })).toBe(1);
		expect(progress({ firstEventDate: 10, lastEventDate: 10, position: 10 })).toBe(0);
	});
});
