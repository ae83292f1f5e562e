// Prints the final counts, with an explanation of each.
import { renderRow, type Column } from "@fanfare/testkit/report/table";

import type { Counts, Percentiles } from "./ledger.ts";
import type { Screen } from "./screen.ts";
import { count, countOf, milliseconds } from "./table.ts";

const COUNT_COLUMNS: readonly Column[] = [{ width: 0 }, { width: 10 }, { width: 7, align: "right" }];
const LATENCY_COLUMNS: readonly Column[] = [{ width: 0 }, { width: 7 }, { width: 18, align: "right" }];

/** @param repeated the number of requests that the SDK has repeated */
export function printSummary(screen: Screen, counts: Counts, lost: number, repeated: number, kills: number): void {
	const { sent, delivered, retried, duplicates, latency, firstAttempt } = counts;
	const row = (label: string, value: string, meaning: string) =>
		screen.line(renderRow(["", label, value, screen.style("dim", meaning)], COUNT_COLUMNS));
	screen.line();
	row(
		"sent",
		count(sent),
		`acknowledged${repeated === 0 ? "" : `; the SDK repeated ${countOf(repeated, "request")} on the way`}`,
	);
	row("delivered", count(delivered), "of them, signature verified and accepted with 2xx");
	row("retried", count(retried), "attempts beyond an event's first");
	row("duplicates", count(duplicates), duplicatesMeaning(duplicates));
	row("lost", screen.style(lost === 0 ? "green" : "red", count(lost)), "acknowledged, never delivered");
	percentileRow("p50/p99", latency, `accepted to delivered, with retries${kills === 0 ? "" : " and crash"}`);
	percentileRow("", firstAttempt, "accepted to first attempt");
	screen.line();

	function percentileRow(label: string, percentiles: Percentiles | null, meaning: string): void {
		if (percentiles === null) return;
		const both = `${milliseconds(percentiles.p50)} / ${milliseconds(percentiles.p99)}`;
		screen.line(renderRow(["", label, both, screen.style("dim", meaning)], LATENCY_COLUMNS));
	}
}

function duplicatesMeaning(duplicates: number): string {
	if (duplicates === 0) return "no attempt was cut off by a crash";
	return "in flight at a crash, so repeated; same webhook-id";
}
