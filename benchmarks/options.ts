// The command line of `npm run bench`.
import { parseArgs } from "node:util";

import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

export interface Options {
	readonly scenarios: readonly Scenario[];
	/** Rounds; each measures the floor and every scenario once. */
	readonly runs: number;
	readonly seconds: number;
	readonly warmUpSeconds: number;
	/** A smoke test: its figures say nothing, and none is judged. */
	readonly quick: boolean;
	readonly jsonFile: string | null;
	/** Where data directories are made; null: the system's choice if that is a disk. */
	readonly parentDir: string | null;
	readonly profileDir: string | null;
}

const DEFAULTS = { runs: 3, seconds: 8, warmUpSeconds: 5 };
const QUICK = { runs: 1, seconds: 0.5, warmUpSeconds: 0.3 };

const FLAGS = {
	scenario: { type: "string", multiple: true },
	runs: { type: "string" },
	seconds: { type: "string" },
	quick: { type: "boolean", default: false },
	json: { type: "string" },
	dir: { type: "string" },
	profile: { type: "string" },
	help: { type: "boolean", short: "h", default: false },
} as const;

/** Null if help was asked for. Throws with a sentence about what is wrong. */
export function readOptions(args: readonly string[]): Options | null {
	const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
	if (values.help) return null;
	const defaults = values.quick ? QUICK : DEFAULTS;
	return {
		scenarios: chooseScenarios(values.scenario ?? []),
		runs: wholeNumber("--runs", values.runs, 100) ?? defaults.runs,
		seconds: wholeNumber("--seconds", values.seconds, 3_600) ?? defaults.seconds,
		warmUpSeconds: defaults.warmUpSeconds,
		quick: values.quick,
		jsonFile: values.json ?? null,
		parentDir: values.dir ?? null,
		profileDir: values.profile ?? null,
	};
}

export function helpText(): string {
	const width = Math.max(...SCENARIOS.map(({ name }) => name.length));
	const scenarios = SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join("\n");
	return `npm run bench -- [options]

Measures a Fanfare server on this machine, beside a floor measured in the same run: a bare undici pump
of the same signed POSTs to the same receiver. benchmarks/README.md tells how, and how to read it.

  --scenario NAME  only this one; may be given several times
  --runs N         rounds, of which the medians are shown (${DEFAULTS.runs})
  --seconds N      how long each measurement sends (${DEFAULTS.seconds})
  --quick          a smoke test of some seconds: its figures say nothing
  --json FILE      write all figures of all rounds there as well
  --dir PATH       where to put data directories: a disk, as syncs are part of what is measured
  --profile DIR    write CPU profiles of the server there; benchmarks/profile.ts reads them
  -h, --help       this

Scenarios:
${scenarios}
`;
}

function chooseScenarios(names: readonly string[]): readonly Scenario[] {
	const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
	if (unknown.length > 0) {
		const known = SCENARIOS.map(({ name }) => name).join(", ");
		throw new Error(`--scenario must be one of ${known}, got ${unknown.join(", ")}`);
	}
	return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name));
}

function wholeNumber(flag: string, text: string | undefined, max: number): number | undefined {
	if (text === undefined) return undefined;
	const value = /^\d+$/.test(text) ? Number(text) : 0;
	if (value >= 1 && value <= max) return value;
	throw new Error(`${flag} must be a whole number from 1 to ${max}, got ${JSON.stringify(text)}`);
}
