// The figures once more, in words.
import type { Screen } from "./screen.ts";
import { count, countOf, milliseconds } from "./table.ts";
import type { Figures, Percentiles } from "./tally.ts";

/** @param repeated requests that the SDK made beyond the first of each send */
export function printSummary(screen: Screen, figures: Figures, lost: number, repeated: number, kills: number): void {
	const { sent, delivered, retried, duplicates, latency, firstAttempt } = figures;
	const row = (label: string, value: string, meaning: string) =>
		screen.line(`  ${label.padEnd(10)}${value.padStart(9)}  ${screen.style("dim", meaning)}`);
	screen.line();
	row(
		"sent",
		count(sent),
		`acknowledged${repeated === 0 ? "" : `; the SDK repeated ${countOf(repeated, "request")} on the way`}`,
	);
	row("delivered", count(delivered), "of them, signature verified and answered 2xx");
	row("retried", count(retried), "attempts beyond an event's first");
	row("duplicates", count(duplicates), duplicatesMeaning(duplicates));
	row("lost", screen.style(lost === 0 ? "green" : "red", count(lost).padStart(9)), "acknowledged, never delivered");
	percentileRow("p50/p99", latency, `accepted to delivered, with retries${kills === 0 ? "" : " and crash"}`);
	percentileRow("", firstAttempt, "accepted to first attempt");
	screen.line();

	function percentileRow(label: string, percentiles: Percentiles | null, meaning: string): void {
		if (percentiles === null) return;
		const both = `${milliseconds(percentiles.p50)} / ${milliseconds(percentiles.p99)}`;
		screen.line(`  ${label.padEnd(8)}${both.padStart(21)}  ${screen.style("dim", meaning)}`);
	}
}

function duplicatesMeaning(duplicates: number): string {
	if (duplicates === 0) return "no attempt was cut off by a crash";
	return "in flight at a crash, so made again; same webhook-id";
}
