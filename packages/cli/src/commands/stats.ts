// `stats` of a project, a webhook or a customer: counts and latencies over time.
import type { Stats, StatsBucket, StatsParams } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../frame/call.ts";
import { choice, leaf, option, type Leaf } from "../frame/command.ts";
import { printableJson } from "../text/printable.ts";
import type { Column } from "../text/table.ts";
import { exactTime, parseTime } from "../text/times.ts";

interface Options extends CommonOptions {
	readonly width?: "minute" | "hour" | "day";
	readonly from?: number;
	readonly to?: number;
}

const COLUMNS: readonly Column<StatsBucket>[] = [
	{ title: "from", value: ({ start }) => exactTime(start).slice(0, 16) },
	{ title: "events", value: ({ accepted }) => count(accepted), align: "right" },
	{ title: "succeeded", value: ({ succeeded }) => count(succeeded), align: "right" },
	{ title: "exhausted", value: ({ exhausted }) => count(exhausted), align: "right" },
	{
		title: "attempts",
		value: ({ attempts }) => count(attempts.succeeded + attempts.failed),
		align: "right",
		optional: 2,
	},
	{ title: "failed", value: ({ attempts }) => count(attempts.failed), align: "right", optional: 1 },
	{ title: "p50", value: ({ latencyMs }) => latency(latencyMs.p50), align: "right", optional: 3 },
	{ title: "p95", value: ({ latencyMs }) => latency(latencyMs.p95), align: "right", optional: 4 },
	{ title: "p99", value: ({ latencyMs }) => latency(latencyMs.p99), align: "right", optional: 5 },
];

/** Adds a command that shows the stats that `fetch` gets. */
export function addStats(
	group: Command,
	spec: Pick<Leaf, "usage" | "summary" | "args">,
	fetch: (call: Call, given: string | undefined, params: StatsParams) => Promise<Stats>,
): void {
	leaf<Options>(
		group,
		{
			...spec,
			description:
				"On a terminal, periods in which nothing happened are left out. With --json, one object with all of them.",
			options: [
				choice("--width <width>", "The length of a period. Default: hour.", ["minute", "hour", "day"]),
				option("--from <time>", "The start, such as 24h before now or 2026-01-31.", (text) => parseTime(text)),
				option("--to <time>", "The end. Default: now.", (text) => parseTime(text)),
			],
		},
		async (call, given) => {
			const { width, from, to } = call.options;
			const stats = await fetch(call, given, { width, from, to });
			if (call.output.mode !== "people") return call.output.data(printableJson(stats));
			const busy = stats.data.filter(
				(bucket) => bucket.accepted + bucket.attempts.succeeded + bucket.attempts.failed > 0,
			);
			const empty = "Nothing happened in this time.";
			await call.output.list(busy, { columns: COLUMNS, id: ({ start }) => String(start), limit: Infinity, empty });
			const now = Object.entries(stats.deliveries).map(([status, count]) => `${status} ${count.toLocaleString("en")}`);
			call.output.note(`Deliveries now: ${now.join(" · ")}`);
			for (const [status, since] of Object.entries(stats.waitingSince)) {
				if (since !== null) call.output.note(`Oldest ${status}: created ${exactTime(since)}`);
			}
			const causes = Object.entries(stats.totals.failures).toSorted(([, a], [, b]) => b - a);
			if (causes.length > 0) {
				call.output.note(
					`Failed attempts by cause: ${causes.map(([cause, times]) => `${cause} ${count(times)}`).join(" · ")}`,
				);
			}
		},
	);
}

function count(value: number): string {
	return value === 0 ? "–" : value.toLocaleString("en");
}

function latency(ms: number | null): string {
	return ms === null ? "–" : `${Math.round(ms)} ms`;
}
