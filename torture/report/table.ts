// The result as text for a terminal, and as Markdown for docs/reliability.md.
import type { PromiseName } from "@fanfare/testkit/checks/record";
import { renderMarkdown, renderText, type Table } from "@fanfare/testkit/report/table";

import type { FaultLine, PromiseLine, Summary } from "./summary.ts";

/** What each promise says, in one line. */
const MEANINGS: Readonly<Record<PromiseName, string>> = {
	accepted: "every acknowledged event is stored, once and as it was sent",
	lost: "each event reaches each webhook that wants it, or visibly fails",
	duplicates: "only attempts in flight at the server's end are repeated",
	stuck: "no delivery stays due or leased",
	"wrong state": "statuses, attempts and reasons agree with the receivers",
	stats: "the stats agree with the delivery log",
	signatures: "each request is signed with each active secret",
	strangers: "healthy webhooks do not wait for others",
	"blocked addresses": "no connection to an address that is not allowed",
	secrets: "no secret in a log or a file",
	store: "the database is intact",
	memory: "the server's memory is bounded",
	fault: "the expectations of the fault itself",
};

/** The tables of a run as text. */
export function renderTables(summary: Summary): string {
	const { rounds, failed, meanRoundS } = summary;
	const verdict = failed === 0 ? "every promise was kept" : `${failed} failed`;
	const tables = [promiseTable(summary.promises), faultTable(summary.faults)].map((table) => renderText(table));
	return `${tables.join("\n\n")}\n\n${rounds} rounds, ${verdict}; ${meanRoundS.toFixed(1)} s per round`;
}

/** The tables of a run as Markdown, with notes below them. */
export function renderDocument(summary: Summary, notes: readonly string[]): string {
	const { rounds, failed, meanRoundS } = summary;
	const verdict = failed === 0 ? "In each of them every promise was kept." : `${failed} of them failed.`;
	const head = `${rounds.toLocaleString("en-US")} rounds, ${meanRoundS.toFixed(1)} s each. ${verdict}`;
	const tables = [promiseTable(summary.promises), faultTable(summary.faults)].map(renderMarkdown);
	return `${[head, ...tables, notes.map((note) => `- ${note}`).join("\n")].join("\n\n")}\n`;
}

function promiseTable(lines: readonly PromiseLine[]): Table {
	return {
		header: ["promise", "meaning", "measured", "broken in", "breaches"],
		rightAligned: new Set([3, 4]),
		rows: lines.map(({ promise, measured, brokenRounds, breaches }) => [
			promise,
			MEANINGS[promise],
			measured,
			brokenRounds === 0 ? "0" : `${brokenRounds} rounds`,
			String(breaches),
		]),
	};
}

function faultTable(lines: readonly FaultLine[]): Table {
	return {
		header: ["fault", "rounds", "failed", "accepted", "delivered", "repeats", "peak MB", "recovery", "round"],
		rightAligned: new Set([1, 2, 3, 4, 5, 6, 7, 8]),
		rows: lines.map((line) => [
			line.fault,
			String(line.rounds),
			String(line.failed),
			line.accepted.toLocaleString("en-US"),
			line.delivered.toLocaleString("en-US"),
			String(line.repeated),
			String(Math.round(line.peakMb)),
			line.recoveryMs === null ? "" : `${line.recoveryMs} ms`,
			`${line.roundS.toFixed(1)} s`,
		]),
	};
}
