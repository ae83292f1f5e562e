// The command line of `npm run bench`.
import { parseArgs } from "node:util";

import { GROUPS, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

export interface Options {
	readonly scenarios: readonly Scenario[];
	/** Rounds; each measures the floor and every scenario once. */
	readonly runs: number;
	readonly seconds: number;
	readonly warmUpSeconds: number;
	/** A smoke test: its figures say nothing, and none is judged. */
	readonly quick: boolean;
	/** A git ref whose server is measured beside that of the working tree; null: only the latter. */
	readonly compareRef: string | null;
	/** Where to draw the growth curves, in place of the scenarios; null: nowhere. */
	readonly curvesDir: string | null;
	/** A document whose tables are replaced; null: none. */
	readonly markdownFile: string | null;
	readonly jsonFile: string | null;
	/** Where data directories are made; null: the system's choice if that is a disk. */
	readonly parentDir: string | null;
	readonly profileDir: string | null;
}

const DEFAULTS = { runs: 3, seconds: 8, warmUpSeconds: 5 };
const QUICK = { runs: 1, seconds: 0.3, warmUpSeconds: 0.2 };

const FLAGS = {
	scenario: { type: "string", multiple: true },
	group: { type: "string", multiple: true },
	runs: { type: "string" },
	seconds: { type: "string" },
	quick: { type: "boolean", default: false },
	compare: { type: "string" },
	curves: { type: "string" },
	markdown: { type: "string" },
	json: { type: "string" },
	dir: { type: "string" },
	profile: { type: "string" },
	help: { type: "boolean", short: "h", default: false },
} as const;

/** Null if help was asked for. Throws with a sentence about what is wrong. */
export function readOptions(args: readonly string[]): Options | null {
	const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
	if (values.help) return null;
	if (values.curves !== undefined && values.compare !== undefined) {
		throw new Error("--curves and --compare are two kinds of run: give one of them");
	}
	const defaults = values.quick ? QUICK : DEFAULTS;
	return {
		scenarios: chooseScenarios(values.scenario ?? [], values.group ?? []),
		runs: wholeNumber("--runs", values.runs, 100) ?? defaults.runs,
		seconds: wholeNumber("--seconds", values.seconds, 3_600) ?? defaults.seconds,
		warmUpSeconds: defaults.warmUpSeconds,
		quick: values.quick,
		compareRef: values.compare ?? null,
		curvesDir: values.curves ?? null,
		markdownFile: values.markdown ?? null,
		jsonFile: values.json ?? null,
		parentDir: values.dir ?? null,
		profileDir: values.profile ?? null,
	};
}

export function helpText(): string {
	const width = Math.max(...SCENARIOS.map(({ name }) => name.length));
	const listOf = (wanted: string) =>
		SCENARIOS.filter(({ group }) => group === wanted)
			.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
			.join("\n");
	const groups = Object.entries(GROUPS).map(([group, what]) => `${group}: ${what}\n${listOf(group)}`);
	return `npm run bench -- [options]

Measures a Fanfare server on this machine, beside a floor measured in the same run: a bare undici pump
of the same signed POSTs to the same receiver. benchmarks/README.md tells how, and how to read it.

  --scenario NAME  only this one; may be given several times
  --group NAME     only this group; may be given several times
  --runs N         rounds, of which the medians are shown (${DEFAULTS.runs})
  --seconds N      how long each measurement sends (${DEFAULTS.seconds})
  --quick          a smoke test of some seconds: its figures say nothing
  --compare REF    the server of a git ref and that of the working tree in turn: ratios new ÷ old, no floor
  --curves DIR     measure and draw the growth curves into DIR, and no scenario
  --markdown FILE  put the tables between the markers of FILE, such as docs/performance.md
  --json FILE      write all figures of all rounds there as well
  --dir PATH       where to put data directories: a disk, as syncs are part of what is measured
  --profile DIR    write CPU profiles of the server there; benchmarks/profile.ts reads them
  -h, --help       this

Scenarios by group:

${groups.join("\n\n")}
`;
}

/** Named ones and those of named groups; all that need not be named if nothing is. In the order of a run. */
function chooseScenarios(names: readonly string[], groups: readonly string[]): readonly Scenario[] {
	refuseUnknown(
		"--scenario",
		names,
		SCENARIOS.map(({ name }) => name),
	);
	refuseUnknown("--group", groups, Object.keys(GROUPS));
	const all = names.length === 0 && groups.length === 0;
	return SCENARIOS.filter(
		({ name, group, onlyByName = false }) => names.includes(name) || (!onlyByName && (all || groups.includes(group))),
	);
}

function refuseUnknown(flag: string, given: readonly string[], known: readonly string[]): void {
	const unknown = given.filter((name) => !known.includes(name));
	if (unknown.length > 0) throw new Error(`${flag} must be one of ${known.join(", ")}, got ${unknown.join(", ")}`);
}

function wholeNumber(flag: string, text: string | undefined, max: number): number | undefined {
	if (text === undefined) return undefined;
	const value = /^\d+$/.test(text) ? Number(text) : 0;
	if (value >= 1 && value <= max) return value;
	throw new Error(`${flag} must be a whole number from 1 to ${max}, got ${JSON.stringify(text)}`);
}
