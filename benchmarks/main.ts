// `npm run bench`: measures a server on this machine, and prints each measurement with its floor and its budget.
import { mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { defaultParentDir, describeMachine, isInMemory, type Machine } from "@fanfare/testkit/report/machine";

import { comparePairs } from "./compare/compare.ts";
import { comparedLines, renderComparison } from "./compare/comparison.ts";
import { startReceiver, type Surroundings } from "./context.ts";
import { drawCurves, measureCurves } from "./curves/measure-curves.ts";
import { Resources } from "./harness/process/resources.ts";
import { helpText, readOptions, type Options } from "./options.ts";
import { writeMarkdown } from "./report/markdown.ts";
import { summarise } from "./report/summary.ts";
import { renderMachine, renderNotes, renderShares, renderTable } from "./report/table.ts";
import { runRounds } from "./rounds.ts";

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

try {
	const options = readOptions(process.argv.slice(2));
	if (options === null) process.stdout.write(helpText());
	else await bench(options);
} catch (error) {
	process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
	process.exitCode = 1;
}

async function bench(options: Options): Promise<void> {
	const startedAt = performance.now();
	await using resources = new Resources();
	endOnSignals(resources);
	const parentDir = realpathSync(mkdtempSync(join(options.parentDir ?? defaultParentDir(), "fanfare-bench-")));
	resources.trackDirectory(parentDir);
	if (isInMemory(parentDir))
		note(
			`${parentDir} is on a file system in memory, where syncs cost nothing. Name a directory on a disk with --dir.`,
		);
	const machine = await describeMachine(parentDir);
	const receiver = await startReceiver(resources);
	const result = await choose({ options, receiver, resources, parentDir, progress: note }, machine);

	const minutes = (performance.now() - startedAt) / 60_000;
	process.stdout.write(`\n${result.text}\n\n${renderMachine(machine)}\ntook        ${minutes.toFixed(1)} minutes\n`);
	if (options.quick)
		process.stdout.write("\nA quick run only shows that everything works. Its measurements mean nothing.\n");
	if (options.jsonFile === null) return;
	const { runs, seconds, warmUpSeconds, quick, compareRef } = options;
	const json = { machine, options: { runs, seconds, warmUpSeconds, quick, compareRef }, ...result.json };
	writeFileSync(options.jsonFile, `${JSON.stringify(json, null, "\t")}\n`);
	note(`All measurements are in ${options.jsonFile}`);
}

/** A run's result: text for the terminal, and JSON for `--json`. */
interface Output {
	readonly text: string;
	readonly json: object;
}

function choose(surroundings: Surroundings, machine: Machine): Promise<Output> {
	const { compareRef, curvesDir } = surroundings.options;
	if (compareRef !== null) return compare(surroundings, compareRef);
	return curvesDir === null ? measure(surroundings, machine) : curves(surroundings, curvesDir, machine);
}

async function measure(surroundings: Surroundings, machine: Machine): Promise<Output> {
	const { options } = surroundings;
	const rounds = await runRounds(surroundings);
	const lines = summarise(options.scenarios, rounds);
	if (options.markdownFile !== null) {
		writeMarkdown(options.markdownFile, lines, rounds, machine, `rounds      ${options.runs} of ${options.seconds} s`);
		note(`The tables are in ${options.markdownFile}`);
	}
	const parts = [renderTable(lines, !options.quick), renderShares(rounds), renderNotes(rounds)];
	return { text: parts.filter((part) => part !== "").join("\n"), json: { lines, rounds } };
}

async function compare(surroundings: Surroundings, ref: string): Promise<Output> {
	const pairs = await comparePairs(surroundings, ref);
	const lines = comparedLines(surroundings.options.scenarios, pairs);
	return { text: `${renderComparison(lines)}\nold: ${ref}; new: the working tree`, json: { lines, pairs } };
}

async function curves(surroundings: Surroundings, directory: string, machine: Machine): Promise<Output> {
	const measured = await measureCurves(surroundings);
	const { cpu, cores, date, commit } = machine;
	const footnote = `${cpu}, ${cores} cores; ${date.slice(0, 10)}, commit ${commit}; medians of ${surroundings.options.runs}`;
	return { text: drawCurves(measured, directory, footnote).join("\n"), json: { curves: measured } };
}

function note(text: string): void {
	process.stderr.write(`${text}\n`);
}

function endOnSignals(resources: Resources): void {
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.once(signal, () => {
			void resources[Symbol.asyncDispose]().finally(() => process.exit(SIGNAL_EXIT_CODES[signal]));
		});
	}
}
