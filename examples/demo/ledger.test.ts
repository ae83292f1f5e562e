import { describe, expect, it } from "vitest";

import type { Fate } from "./faults.ts";
import { PATIENCE_MS, Ledger } from "./ledger.ts";

const T = Date.UTC(2026, 10, 24);

describe("the ledger", () => {
	it("counts an acknowledged event that never arrived as missing", () => {
		const ledger = new Ledger();
		ledger.acknowledged("evt_1", T);
		ledger.acknowledged("evt_2", T);
		ledger.arrived(arrival("evt_1", 1, T + 5));
		expect(ledger.counts()).toMatchObject({ sent: 2, delivered: 1 });
		expect(ledger.missing(0, T + 10)).toEqual(["evt_2"]);
		expect(ledger.missing(PATIENCE_MS, T + 10)).toEqual([]);
		expect(ledger.missing(PATIENCE_MS, T + PATIENCE_MS)).toEqual(["evt_2"]);
	});

	it("does not count a failed attempt as a delivery", () => {
		const ledger = new Ledger();
		ledger.acknowledged("evt_1", T);
		ledger.arrived(arrival("evt_1", 1, T + 5, "fail"));
		expect(ledger.counts()).toMatchObject({ delivered: 0, retried: 0, latency: null });
		ledger.arrived(arrival("evt_1", 2, T + 505));
		expect(ledger.counts()).toMatchObject({ delivered: 1, retried: 1, duplicates: 0 });
	});

	it("counts an event that arrives before its acknowledgement", () => {
		const ledger = new Ledger();
		ledger.arrived(arrival("evt_1", 1, T + 5));
		expect(ledger.counts()).toMatchObject({ sent: 0, delivered: 0 });
		ledger.acknowledged("evt_1", T + 6);
		expect(ledger.counts()).toMatchObject({ sent: 1, delivered: 1 });
		expect(ledger.missing(0, T + 7)).toEqual([]);
	});

	it("explains a duplicate only by a kill between the two arrivals", () => {
		const ledger = new Ledger();
		ledger.arrived(arrival("evt_1", 1, T));
		ledger.killed(T + 10);
		ledger.isBack(T + 900);
		ledger.arrived(arrival("evt_1", 2, T + 1_000));
		expect(ledger.counts()).toMatchObject({ duplicates: 1, unexplained: 0 });
		ledger.arrived(arrival("evt_1", 3, T + 2_000));
		expect(ledger.counts()).toMatchObject({ duplicates: 2, unexplained: 1 });
	});

	it("explains a duplicate of an event that was accepted some sends before the kill, but not many", () => {
		for (const [sends, unexplained] of [
			[150, 0],
			[151, 1],
		] as const) {
			const ledger = new Ledger();
			ledger.arrived(arrival("evt_1", 1, T));
			for (let n = 0; n < sends; n++) ledger.acknowledged(`evt_of_send_${n}`, T + n);
			ledger.killed(T + 60_000);
			ledger.arrived(arrival("evt_1", 2, T + 61_000));
			expect(ledger.counts()).toMatchObject({ duplicates: 1, unexplained });
		}
	});

	it("explains a duplicate of an event that a slow receiver has read after the kill, before the server was back", () => {
		const ledger = new Ledger();
		ledger.killed(T);
		ledger.arrived(arrival("evt_1", 1, T + 5_000));
		ledger.isBack(T + 10_000);
		ledger.arrived(arrival("evt_1", 2, T + 11_000));
		expect(ledger.counts()).toMatchObject({ duplicates: 1, unexplained: 0 });
	});

	it("measures from acceptance to the accepted arrival, and to the first attempt", () => {
		const ledger = new Ledger();
		ledger.arrived(arrival("evt_1", 1, T + 4, "fail"));
		ledger.arrived(arrival("evt_1", 2, T + 400));
		expect(ledger.counts()).toMatchObject({ firstAttempt: { p50: 4, p99: 4 }, latency: { p50: 400, p99: 400 } });
	});
});

function arrival(id: string, number: number, receivedAt: number, fate: Fate = "accept") {
	const event = { id, type: "order.paid", timestamp: new Date(T).toISOString(), data: {} };
	return { event, number, fate, receivedAt };
}
