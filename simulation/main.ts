// `npm run simulate`: runs seeds, and reports how many there were and which promises were broken.
import { renderFailure, describeFailure } from "./describe.ts";
import { helpText, readOptions, type Options } from "./options.ts";
import { findPlanted } from "./planted/plant.ts";
import { runRelays } from "./relays/run-relays.ts";
import { runMany } from "./run-many.ts";
import { runSeed } from "./run-seed.ts";
import type { Report } from "./worker.ts";

const PROGRESS_EVERY_MS = 10_000;
/** A planted bug that this many seeds don't find is not found. */
const MAX_SEEDS_FOR_BUG = 5_000;

try {
	const options = readOptions(process.argv.slice(2));
	if (options === null) print(helpText());
	else process.exitCode = await run(options);
} catch (error) {
	process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
	process.exitCode = 2;
}

/** Returns the exit code. */
function run(options: Options): Promise<number> {
	if (options.relays) return runRelaySeeds(options);
	if (options.plant.length > 0) return runPlanted(options);
	return options.seed === null ? runSeeds(options) : runOnly(options, options.seed);
}

async function runOnly({ path, trace, engines }: Options, seed: number): Promise<number> {
	const result = await runSeed({
		seed,
		engines,
		...(path !== null && { path }),
		...(trace && { print: (line: string) => print(`${line}\n`) }),
		shrinks: path === null,
	});
	const { steps, attempts, events, faults, runs, hash } = result.first;
	print(
		`seed ${seed}: ${steps} steps, ${events} events, ${attempts} attempts, ${faults} faults, ${runs} runs; hash ${hash}\n`,
	);
	if (result.failure === null) return 0;
	print(`\n${renderFailure(seed, engines, describeFailure(result.failure))}`);
	return 1;
}

async function runSeeds({ seeds, from, jobs, minutes, engines }: Options): Promise<number> {
	print(`from seed ${from}, ${jobs} at a time\n`);
	const total = { seeds: 0, steps: 0, events: 0, attempts: 0, faults: 0, runs: 0, failures: 0 };
	const startedAt = performance.now();
	let shownAt = startedAt;
	const line = () => {
		const perHour = Math.round((total.seeds / (performance.now() - startedAt)) * 3_600_000);
		const { seeds, steps, events, attempts, faults, runs, failures } = total;
		return `${seeds} seeds (${perHour} an hour), ${steps} steps, ${events} events, ${attempts} attempts, ${faults} faults, ${runs} runs, ${failures} failed\n`;
	};
	const count = ({ steps, events, attempts, faults, runs }: Report) => {
		total.seeds++;
		total.steps += steps;
		total.events += events;
		total.attempts += attempts;
		total.faults += faults;
		total.runs += runs;
	};
	await runMany({
		seeds,
		from,
		jobs,
		engines,
		limitMs: minutes === null ? null : minutes * 60_000,
		shrinks: true,
		onReport: (report) => {
			count(report);
			if (report.failure !== null) {
				total.failures++;
				print(`\n${renderFailure(report.seed, engines, report.failure)}\n`);
			}
			if (performance.now() - shownAt > PROGRESS_EVERY_MS) {
				shownAt = performance.now();
				print(line());
			}
			return false;
		},
	});
	print(`\nin all: ${line()}`);
	return total.failures === 0 ? 0 : 1;
}

async function runRelaySeeds({ engines, from, minutes, seed, seeds, trace }: Options): Promise<number> {
	const total = { seeds: 0, events: 0, requests: 0, runs: 0, failures: 0 };
	const endsAt = performance.now() + (minutes ?? Infinity) * 60_000;
	const [first, count] = seed === null ? [from, seeds] : [seed, 1];
	for (let each = first; each < first + count && performance.now() < endsAt; each++) {
		const { breaches, events, hash, requests, runs } = await runRelays(
			each,
			enginesOf(each, engines),
			trace ? (line) => print(`${line}\n`) : null,
		);
		total.seeds++;
		total.events += events;
		total.requests += requests;
		total.runs += runs;
		if (seed !== null) print(`seed ${each}: ${events} events, ${requests} requests, ${runs} runs; hash ${hash}\n`);
		if (breaches.length === 0) continue;
		total.failures++;
		for (const { promise, text } of breaches) print(`seed ${each}: ${promise}: ${text}\n`);
		print(`npm run simulate -- --relays --engines ${enginesOf(each, engines)} --seed ${each} --trace\n`);
	}
	const { seeds: made, events, requests, runs, failures } = total;
	print(
		`\nin all: ${made} seeds of relays from ${first}, ${events} events, ${requests} requests, ${runs} runs, ${failures} failed\n`,
	);
	return failures === 0 ? 0 : 1;
}

/** Every second seed has two engines, unless a number is given. */
function enginesOf(seed: number, engines: number | null): number {
	return engines ?? (seed % 2) + 1;
}

/** Each planted bug must be found. */
async function runPlanted({ plant, from, jobs, minutes }: Options): Promise<number> {
	let missed = 0;
	for (const name of plant) {
		const found = await findPlanted(name, { from, jobs, seeds: MAX_SEEDS_FOR_BUG, minutes });
		if (found === null) missed++;
		print(
			found === null
				? `${name}: NOT FOUND\n`
				: `${name}: found at seed ${found.seed}, after ${found.seeds} seeds: ${found.breach}\n`,
		);
	}
	return missed === 0 ? 0 : 1;
}

function print(text: string): void {
	process.stdout.write(text);
}
