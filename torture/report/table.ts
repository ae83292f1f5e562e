// The result as text for a terminal, and as Markdown for docs/reliability.md.
import type { PromiseName } from "../record.ts";
import type { FaultLine, PromiseLine, Summary } from "./summary.ts";

type Row = readonly string[];

interface Table {
	readonly header: Row;
	/** Columns that are aligned at their right. */
	readonly numeric: ReadonlySet<number>;
	readonly rows: readonly Row[];
}

const GAP = "  ";
/** What each promise says, in a line. */
const MEANINGS: Readonly<Record<PromiseName, string>> = {
	accepted: "what was acknowledged is stored, once and as it was sent",
	lost: "each event reaches each webhook that wants it, or visibly does not",
	duplicates: "only attempts in flight when the server ended come again",
	stuck: "nothing is due in vain, nothing stays leased",
	"wrong state": "statuses, numbers and reasons are what receivers saw",
	statistics: "figures add up to the log",
	signatures: "each request is signed with each active secret",
	strangers: "healthy webhooks do not wait for others",
	"blocked addresses": "no connection to an address that is not allowed",
	secrets: "no secret in a log or a file",
	store: "the database is whole",
	memory: "bounded",
	fault: "what the fault itself expects",
};

export function renderTables(summary: Summary): string {
	const { rounds, failed, meanRoundS } = summary;
	const verdict = failed === 0 ? "every promise was kept" : `${failed} failed`;
	const tables = [promiseTable(summary.promises), faultTable(summary.faults)].map(asText);
	return `${tables.join("\n\n")}\n\n${rounds} rounds, ${verdict}; ${meanRoundS.toFixed(1)} s a round`;
}

export function renderMarkdown(summary: Summary, notes: readonly string[]): string {
	const { rounds, failed, meanRoundS } = summary;
	const verdict = failed === 0 ? "In each of them every promise was kept." : `${failed} of them failed.`;
	const head = `${rounds.toLocaleString("en-US")} rounds, ${meanRoundS.toFixed(1)} s each. ${verdict}`;
	const tables = [promiseTable(summary.promises), faultTable(summary.faults)].map(asMarkdown);
	return `${[head, ...tables, notes.map((note) => `- ${note}`).join("\n")].join("\n\n")}\n`;
}

function promiseTable(lines: readonly PromiseLine[]): Table {
	return {
		header: ["promise", "what it says", "measured", "broken in", "breaches"],
		numeric: new Set([3, 4]),
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
		numeric: new Set([1, 2, 3, 4, 5, 6, 7, 8]),
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

function asText({ header, numeric, rows }: Table): string {
	const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
	const pad = (cell: string, column: number) =>
		numeric.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
	const write = (row: Row) => row.map(pad).join(GAP).trimEnd();
	const rule = "─".repeat(widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length));
	return [write(header), rule, ...rows.map(write), rule].join("\n");
}

function asMarkdown({ header, numeric, rows }: Table): string {
	const write = (row: Row) => `| ${row.join(" | ")} |`;
	const rule = header.map((_, column) => (numeric.has(column) ? "--:" : "---"));
	return [header, rule, ...rows].map(write).join("\n");
}
