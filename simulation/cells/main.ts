// `npm run cells`: what a number of deliveries a second needs, and how a day of it goes, from measured costs.
import { describeInputs, readInputs } from "./inputs.ts";
import { report } from "./report.ts";

try {
	const inputs = readInputs(process.argv.slice(2));
	process.stdout.write(`${inputs === null ? helpText() : report(inputs)}\n`);
} catch (error) {
	process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
	process.exitCode = 1;
}

function helpText(): string {
	const defaults = readInputs([]);
	const lines = (defaults === null ? [] : describeInputs(defaults)).map(
		([flag, value, meaning]) => `  ${flag.padEnd(18)} ${meaning}; default ${value}`,
	);
	return `npm run cells -- [options]

Plans an installation for a number of deliveries a second, from what one costs: cells (a PostgreSQL with its standby, and the Fanfare
processes on it), processes, disks. Then it simulates a day of unequal projects, minute by minute. docs/scaling.md explains it.

${lines.join("\n")}
  -h, --help         print this help`;
}
