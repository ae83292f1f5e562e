// `npm run torture`: plays rounds against a real server, and reports for each promise whether it was kept.
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { firstOfEach } from "@fanfare/testkit/checks/record";
import { describeMachine } from "@fanfare/testkit/report/machine";
import { replaceSection } from "@fanfare/testkit/report/marked-section";
import { renderRow, type Column } from "@fanfare/testkit/report/table";

import { drawRounds, type PlannedRound } from "./draw.ts";
import type { Fault } from "./fault.ts";
import { helpText, listText, readOptions, type Options } from "./options.ts";
import { summarise, type Summary } from "./report/summary.ts";
import { renderDocument, renderTables } from "./report/table.ts";
import { runRound, type RoundResult } from "./run-round.ts";

/** How many breaches of each promise a round's report shows, and how much of each. */
const SHOWN_BREACHES = 2;
const SHOWN_LENGTH = 600;

/** What `--json` writes. */
interface Run {
	readonly seed: number;
	readonly summary: Summary;
	readonly results: readonly RoundResult[];
}

/** The rounds of one run or of several. */
interface Rounds {
	readonly seeds: readonly number[];
	readonly results: readonly RoundResult[];
}

try {
	const options = readOptions(process.argv.slice(2));
	if (options === null) process.stdout.write(helpText());
	else if (options.list) process.stdout.write(listText(options.faults));
	else if (options.sumFiles.length > 0) await sumUp(options);
	else await torture(options);
} catch (error) {
	process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
	process.exitCode = 1;
}
// Once, Node 26.10 waited for ever for handles that were to be closed while it ended by itself.
for (const stream of [process.stdout, process.stderr]) await new Promise((written) => stream.write("", written));
process.exit();

async function torture(options: Options): Promise<void> {
	// The testkit's exit handlers kill child processes, unmount disks and remove directories.
	process.once("SIGINT", () => process.exit(130));
	const { rounds, from, seed, profile } = options;
	// Checked before the rounds, so that a thousand rounds are not played for a file without the markers.
	if (options.markdownFile !== null) writeInto(options.markdownFile, null);
	const faults = playableFaults(options.faults);
	note(
		`${rounds} ${rounds === 1 ? "round" : "rounds"}${from === 1 ? "" : ` from number ${from}`} of ${faults.length} ${faults.length === 1 ? "fault" : "faults"} on the profile ${profile}, seed ${seed}`,
	);
	const results = await playAll(drawRounds(faults, rounds, seed, from), options);
	await report({ seeds: [seed], results }, options);
}

/** Reports the results of earlier runs as if they were one. A round that is in two of them counts once. */
async function sumUp(options: Options): Promise<void> {
	const runs = options.sumFiles.map(readRun);
	const rounds = runs.flatMap(({ results }) => results);
	const results = [...new Map(rounds.map((round) => [`${round.fault} ${round.seed}`, round])).values()];
	await report({ seeds: runs.map(({ seed }) => seed), results }, options);
}

function readRun(file: string): Run {
	const run: unknown = JSON.parse(readFileSync(file, "utf8"));
	const isRun = typeof run === "object" && run !== null && "results" in run && Array.isArray(run.results);
	if (!isRun) throw new Error(`${file} has no results: give the files that --json has written`);
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what --json has written
	return run as unknown as Run;
}

async function report({ seeds, results }: Rounds, { jsonFile, markdownFile }: Options): Promise<void> {
	const summary = summarise(results);
	process.stdout.write(`\n${renderTables(summary)}\n`);
	if (jsonFile !== null) {
		const run: Run = { seed: seeds[0] ?? 0, summary, results };
		writeFileSync(jsonFile, `${JSON.stringify(run, null, "\t")}\n`);
	}
	if (markdownFile !== null) writeInto(markdownFile, renderDocument(summary, await notes(seeds)));
	if (summary.failed > 0) process.exitCode = 1;
}

/** Writes the tables between their markers in the file. Null only checks that the file has the markers. */
function writeInto(file: string, tables: string | null): void {
	const text = replaceSection(file, readFileSync(file, "utf8"), "torture:result", tables ?? "");
	if (tables !== null) writeFileSync(file, text);
}

/** The faults that this machine can play. In CI it must be able to play all of them. */
function playableFaults(faults: readonly Fault[]): readonly Fault[] {
	const playable = faults.filter(({ name, issue }) => {
		const why = issue?.() ?? null;
		if (why !== null) note(`${name} is skipped: ${why}`);
		return why === null;
	});
	if (playable.length === 0) throw new Error("none of these faults can be played on this machine");
	if (process.env["CI"] === "true" && playable.length < faults.length) {
		throw new Error("CI must play every fault: run it as root on Linux, with util-linux installed");
	}
	return playable;
}

async function playAll(rounds: readonly PlannedRound[], options: Options): Promise<RoundResult[]> {
	const left = rounds.values();
	const results: RoundResult[] = [];
	const width = Math.max(...rounds.map(({ fault }) => fault.name.length));
	const worker = async () => {
		for (const round of left) {
			const result = await runRound(round.fault, round.seed, options);
			results.push(result);
			note(renderRound(round, result, width, options));
		}
	};
	await Promise.all(Array.from({ length: options.jobs }, worker));
	return results;
}

function renderRound(
	{ number, fault, seed }: PlannedRound,
	{ breaches, measured, keptIn }: RoundResult,
	width: number,
	{ profile, senderThreads, acceptorThreads }: Pick<Options, "profile" | "senderThreads" | "acceptorThreads">,
): string {
	const columns: readonly Column[] = [
		{ width: 4, align: "right" },
		{ width },
		{ width: 10, align: "right" },
		{ width: 6, align: "right" },
	];
	const took = `${(measured.tookMs / 1_000).toFixed(1)} s`;
	const broken = [...new Set(breaches.map(({ promise }) => promise))].join(", ");
	const verdict = broken === "" ? "ok" : `BROKEN: ${broken}`;
	const line = renderRow([String(number), fault.name, String(seed), took, verdict], columns);
	const kept = keptIn === null ? [] : [`      kept in ${keptIn}`];
	if (breaches.length === 0) return [line, ...kept].join("\n");
	const first = firstOfEach(breaches, SHOWN_BREACHES);
	const shown = first.map(({ promise, text }) => `      ${promise}: ${text.slice(0, SHOWN_LENGTH)}`);
	const more = breaches.length > first.length ? [`      … ${breaches.length} in all`] : [];
	const on = profile === "embedded" ? "" : ` --profile ${profile}`;
	const threads = senderThreads === null ? "" : ` --sender-threads ${senderThreads}`;
	const acceptors = acceptorThreads === null ? "" : ` --acceptor-threads ${acceptorThreads}`;
	const repeat = `      repeat: npm run torture -- --rounds 1 --seed ${seed} --fault ${fault.name}${on}${threads}${acceptors}`;
	return [line, ...shown, ...more, ...kept, repeat].join("\n");
}

async function notes(seeds: readonly number[]): Promise<string[]> {
	const { cpu, cores, memoryGb, node, sqlite, kernel, filesystem, date, commit } = await describeMachine(tmpdir());
	return [
		`Machine: ${cpu}, ${cores} cores, ${memoryGb.toFixed(0)} GiB, ${filesystem}`,
		`Software: Node ${node}, SQLite ${sqlite}, ${kernel}`,
		`When: ${date.slice(0, 10)}, commit ${commit}, ${seeds.length === 1 ? "seed" : "the runs with the seeds"} ${seeds.join(", ")}`,
	];
}

function note(text: string): void {
	process.stderr.write(`${text}\n`);
}
