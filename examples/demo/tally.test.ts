import { describe, expect, it } from "vitest";

import type { Fate } from "./faults.ts";
import { PATIENCE_MS, Tally } from "./tally.ts";

const T = Date.UTC(2026, 10, 24);

describe("the tally", () => {
	it("counts an acknowledged event that never arrived as missing", () => {
		const tally = new Tally();
		tally.acknowledged("evt_1", T);
		tally.acknowledged("evt_2", T);
		tally.arrived(arrival("evt_1", 1, T + 5));
		expect(tally.counts()).toMatchObject({ sent: 2, delivered: 1 });
		expect(tally.missing(0, T + 10)).toEqual(["evt_2"]);
		expect(tally.missing(PATIENCE_MS, T + 10)).toEqual([]);
		expect(tally.missing(PATIENCE_MS, T + PATIENCE_MS)).toEqual(["evt_2"]);
	});

	it("does not count a failed attempt as a delivery", () => {
		const tally = new Tally();
		tally.acknowledged("evt_1", T);
		tally.arrived(arrival("evt_1", 1, T + 5, "fail"));
		expect(tally.counts()).toMatchObject({ delivered: 0, retried: 0, latency: null });
		tally.arrived(arrival("evt_1", 2, T + 505));
		expect(tally.counts()).toMatchObject({ delivered: 1, retried: 1, duplicates: 0 });
	});

	it("counts an event that arrives before its acknowledgement", () => {
		const tally = new Tally();
		tally.arrived(arrival("evt_1", 1, T + 5));
		expect(tally.counts()).toMatchObject({ sent: 0, delivered: 0 });
		tally.acknowledged("evt_1", T + 6);
		expect(tally.counts()).toMatchObject({ sent: 1, delivered: 1 });
		expect(tally.missing(0, T + 7)).toEqual([]);
	});

	it("explains a duplicate only by a kill between the two arrivals", () => {
		const tally = new Tally();
		tally.arrived(arrival("evt_1", 1, T));
		tally.killed(T + 10);
		tally.arrived(arrival("evt_1", 2, T + 1_000));
		expect(tally.counts()).toMatchObject({ duplicates: 1, unexplained: 0 });
		tally.arrived(arrival("evt_1", 3, T + 2_000));
		expect(tally.counts()).toMatchObject({ duplicates: 2, unexplained: 1 });
	});

	it("does not explain a duplicate of an event that was accepted long before the kill", () => {
		const tally = new Tally();
		tally.arrived(arrival("evt_1", 1, T));
		tally.killed(T + 5_000);
		tally.arrived(arrival("evt_1", 2, T + 6_000));
		expect(tally.counts()).toMatchObject({ duplicates: 1, unexplained: 1 });
	});

	it("measures from acceptance to the accepted arrival, and to the first attempt", () => {
		const tally = new Tally();
		tally.arrived(arrival("evt_1", 1, T + 4, "fail"));
		tally.arrived(arrival("evt_1", 2, T + 400));
		expect(tally.counts()).toMatchObject({ firstAttempt: { p50: 4, p99: 4 }, latency: { p50: 400, p99: 400 } });
	});
});

function arrival(id: string, number: number, receivedAt: number, fate: Fate = "accept") {
	const event = { id, type: "order.paid", timestamp: new Date(T).toISOString(), data: {} };
	return { event, number, fate, receivedAt };
}
