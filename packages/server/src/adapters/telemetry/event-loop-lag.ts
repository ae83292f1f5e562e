// Metrics of the event loop's lag, under the names that dashboards for Node expect.
import { monitorEventLoopDelay } from "node:perf_hooks";

import { Gauge, type Registry } from "prom-client";

/** The usual precision, a timer of 10 ms, costs an idle server a third of a per cent of a core. */
const PRECISION_MS = 100;
const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

/**
 * Replaces prom-client's lag gauges with gauges of the lag since the last scrape. Node measures the time between two
 * ticks of a timer, and prom-client reports it unchanged: an idle loop would show the timer's own 100 ms as lag.
 */
export function watchEventLoopLag(registry: Registry): void {
	const delays = monitorEventLoopDelay({ resolution: PRECISION_MS });
	delays.enable();
	const add = (name: string, help: string, readNs: () => number) => {
		const gauge = new Gauge({
			name: `nodejs_eventloop_lag_${name}_seconds`,
			help: `${help} of the event loop's lags since the last scrape.`,
			registers: [],
			collect() {
				// Without a tick since the last scrape, the histogram has no meaningful values.
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
	// Gauges are read in the order of registration, so the last one resets the histogram for the next scrape.
	add("max", "The maximum", () => {
		const max = lagNs(delays.max);
		delays.reset();
		return max;
	});
}
