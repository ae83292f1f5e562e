// How long the event loop has kept others waiting, by the names that dashboards for Node look for.
import { monitorEventLoopDelay } from "node:perf_hooks";

import { Gauge, type Registry } from "prom-client";

/** A timer of 10 ms, the usual precision, costs an idle server a third of a per cent of a core. */
const PRECISION_MS = 100;
const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

/**
 * Puts gauges of the lag since the last look in the place of prom-client's. Node measures from one tick of a timer to the next, and
 * prom-client shows that as it is: the timer's own 100 ms as the lag of a loop that is free.
 */
export function watchEventLoopLag(registry: Registry): void {
	const delays = monitorEventLoopDelay({ resolution: PRECISION_MS });
	delays.enable();
	const add = (name: string, help: string, readNs: () => number) => {
		const gauge = new Gauge({
			name: `nodejs_eventloop_lag_${name}_seconds`,
			help: `${help} of the event loop's lags since the last look.`,
			registers: [],
			collect() {
				// Without a tick since then, the histogram's numbers mean nothing.
				this.set(delays.count === 0 ? 0 : readNs() / NS_PER_S);
			},
		});
		registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`);
		registry.registerMetric(gauge);
	};
	const lagNs = (delayNs: number) => Math.max(0, delayNs - PRECISION_MS * NS_PER_MS);
	add("min", "The minimum", () => lagNs(delays.min));
	add("mean", "The mean", () => lagNs(delays.mean));
	add("stddev", "The standard deviation", () => delays.stddev);
	add("p50", "The 50th percentile", () => lagNs(delays.percentile(50)));
	add("p90", "The 90th percentile", () => lagNs(delays.percentile(90)));
	add("p99", "The 99th percentile", () => lagNs(delays.percentile(99)));
	// Gauges are read in this order, and the next look begins anew.
	add("max", "The maximum", () => {
		const max = lagNs(delays.max);
		delays.reset();
		return max;
	});
}
