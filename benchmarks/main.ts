// `npm run bench`: measures a server on this machine, and prints each figure with its floor and its budget.
import { mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { defaultParentDir, describeMachine, isInMemory } from "./harness/machine.ts";
import { Resources } from "./harness/resources.ts";
import { helpText, readOptions, type Options } from "./options.ts";
import { summarise } from "./report/summary.ts";
import { renderMachine, renderShares, renderTable } from "./report/table.ts";
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
	await using resources = new Resources();
	endOnSignals(resources);
	const parentDir = realpathSync(mkdtempSync(join(options.parentDir ?? defaultParentDir(), "fanfare-bench-")));
	resources.trackDirectory(parentDir);
	if (isInMemory(parentDir)) note(`${parentDir} is in memory: syncs cost nothing there. Name a disk with --dir.`);
	const machine = await describeMachine(parentDir);
	const rounds = await runRounds(options, parentDir, resources, note);
	const lines = summarise(options.scenarios, rounds);

	const shares = renderShares(rounds);
	process.stdout.write(`\n${renderTable(lines, !options.quick)}\n${shares}\n\n${renderMachine(machine)}\n`);
	if (options.quick) process.stdout.write("\nA quick run shows that everything works. Its figures say nothing.\n");
	if (options.jsonFile === null) return;
	const { runs, seconds, warmUpSeconds, quick } = options;
	const result = { machine, options: { runs, seconds, warmUpSeconds, quick }, lines, rounds };
	writeFileSync(options.jsonFile, `${JSON.stringify(result, null, "\t")}\n`);
	note(`All figures are in ${options.jsonFile}`);
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
