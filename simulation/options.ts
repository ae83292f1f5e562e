// The command line of `npm run simulate`.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

import { MAX_ENGINES } from "./history/steps.ts";
import { PLANTED } from "./planted/bugs.ts";

export interface Options {
	/** How many seeds are run. */
	readonly seeds: number;
	/** The first seed; the others follow. */
	readonly from: number;
	/** Only this seed, in this process; null for many. */
	readonly seed: number | null;
	readonly path: string | null;
	/** How many engines share the store; null for what follows from the seed. */
	readonly engines: number | null;
	/** Runs histories of relays instead, in this process. */
	readonly relays: boolean;
	/** Prints everything that happens in the history of `seed`. */
	readonly trace: boolean;
	/** Ends after this time, whatever is left; null for no limit. */
	readonly minutes: number | null;
	readonly jobs: number;
	/** The names of the bugs to plant, one after the other; empty for none. */
	readonly plant: readonly string[];
}

const DEFAULT_SEEDS = 500;
const MAX = { seeds: 10_000_000, seed: 2 ** 31 - 1, minutes: 100_000, jobs: 256 };

const FLAGS = {
	seeds: { type: "string" },
	from: { type: "string" },
	seed: { type: "string" },
	path: { type: "string" },
	engines: { type: "string" },
	relays: { type: "boolean", default: false },
	trace: { type: "boolean", default: false },
	minutes: { type: "string" },
	jobs: { type: "string" },
	plant: { type: "string", multiple: true },
	help: { type: "boolean", short: "h", default: false },
} as const;

/** Null if help was asked for. Throws an error that says which option is wrong, and why. */
export function readOptions(args: readonly string[]): Options | null {
	const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
	if (values.help) return null;
	const seed = wholeNumber("--seed", values.seed, 0, MAX.seed) ?? null;
	if (seed === null && (values.trace || values.path !== undefined)) {
		throw new Error("--trace and --path are about one history: name it with --seed");
	}
	if (values.relays && (values.path ?? values.plant) !== undefined) {
		throw new Error("--relays goes with --seeds, --from, --minutes, --engines, --seed and --trace alone");
	}
	return {
		relays: values.relays,
		seeds: wholeNumber("--seeds", values.seeds, 1, MAX.seeds) ?? DEFAULT_SEEDS,
		from: wholeNumber("--from", values.from, 0, MAX.seed) ?? Math.floor(Math.random() * MAX.seed),
		seed,
		path: values.path ?? null,
		engines: wholeNumber("--engines", values.engines, 1, MAX_ENGINES) ?? null,
		trace: values.trace,
		minutes: wholeNumber("--minutes", values.minutes, 1, MAX.minutes) ?? null,
		jobs: wholeNumber("--jobs", values.jobs, 1, MAX.jobs) ?? availableParallelism(),
		plant: chooseBugs(values.plant ?? []),
	};
}

export function helpText(): string {
	return `npm run simulate -- [options]

Runs histories of the real engine on the real SQLite store in memory, with time and chance from a seed, and checks the
promises after every step. simulation/README.md explains how. The exit code is 1 if a promise was broken.

  --seeds N      number of seeds (default ${DEFAULT_SEEDS})
  --from S       the first seed (default: a new one, which is printed)
  --minutes M    end after M minutes, whatever is left
  --jobs N       seeds at the same time, each in a process of its own (default: the number of cores)
  --engines N    engines on one store, 1 to ${MAX_ENGINES} (default: one, and 2 to ${MAX_ENGINES} in every fourth seed; of relays, two in every second)
  --relays       histories of relays: clients that answer late, twice or never, and come and go, while the server dies
  --seed S       only this seed
  --path P       only the shortened history of that seed that a failure has printed
  --trace        print everything that happens in it
  --plant NAME   plant a bug in a copy of the server, and run seeds until it is found; may be given several times, and
                 "all" is every bug: ${PLANTED.map(({ name }) => name).join(", ")}
  -h, --help     print this help
`;
}

function chooseBugs(names: readonly string[]): readonly string[] {
	const known = PLANTED.map(({ name }) => name);
	if (names.includes("all")) return known;
	const unknown = names.filter((name) => !known.includes(name));
	if (unknown.length === 0) return names;
	throw new Error(`--plant must be "all" or one of the bugs that --help lists, got ${unknown.join(", ")}`);
}

function wholeNumber(flag: string, text: string | undefined, min: number, max: number): number | undefined {
	if (text === undefined) return undefined;
	const value = /^\d+$/.test(text) ? Number(text) : -1;
	if (value >= min && value <= max) return value;
	throw new Error(`${flag} must be a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`);
}
