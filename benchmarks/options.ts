// The command line of `npm run bench`.
import { parseArgs } from "node:util";

import { GROUPS, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { DEFAULT_WIDE_EVENTS } from "./scenarios/shape/wide-batch.ts";
import { DEFAULT_STORE_WEBHOOKS } from "./scenarios/speed/store-sql.ts";

export interface Options {
	readonly scenarios: readonly Scenario[];
	/** Rounds; each measures the floor and every scenario once. */
	readonly runs: number;
	readonly seconds: number;
	readonly warmUpSeconds: number;
	/** A smoke test: its measurements mean nothing and are not judged. */
	readonly quick: boolean;
	/** Numbers for the scenarios that take them. Null: their default. */
	readonly webhooks: number | null;
	readonly events: number | null;
	/** A git ref whose server is compared with that of the working tree. Null: no comparison. */
	readonly compareRef: string | null;
	/** The directory for the growth curves, which are then measured in place of the scenarios. Null: scenarios are measured. */
	readonly curvesDir: string | null;
	/** A document whose tables are replaced. */
	readonly markdownFile: string | null;
	readonly jsonFile: string | null;
	/** The directory for data directories. Null: the system's directory for temporary files, if that is on a disk. */
	readonly parentDir: string | null;
	readonly profileDir: string | null;
}

const DEFAULTS = { runs: 3, seconds: 8, warmUpSeconds: 5 };
/** The warm-up ends with the first response of each connection, as on a very slow machine: some measurements send more events. */
const QUICK = { runs: 1, seconds: 0.3, warmUpSeconds: 0.001 };

const MAX_WEBHOOKS = 100_000;
/** What a batch takes. */
const MAX_EVENTS = 1_000;

const FLAGS = {
	scenario: { type: "string", multiple: true },
	group: { type: "string", multiple: true },
	runs: { type: "string" },
	seconds: { type: "string" },
	webhooks: { type: "string" },
	events: { type: "string" },
	quick: { type: "boolean", default: false },
	compare: { type: "string" },
	curves: { type: "string" },
	markdown: { type: "string" },
	json: { type: "string" },
	dir: { type: "string" },
	profile: { type: "string" },
	help: { type: "boolean", short: "h", default: false },
} as const;

/** Null if help was asked for. Throws an error that says which option is wrong, and why. */
export function readOptions(args: readonly string[]): Options | null {
	const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
	if (values.help) return null;
	if (values.curves !== undefined && values.compare !== undefined) {
		throw new Error("--curves and --compare can't be used together: give one of them");
	}
	refuseProfileOfStore(values.profile);
	const defaults = values.quick ? QUICK : DEFAULTS;
	const scenarios = chooseScenarios(values.scenario ?? [], values.group ?? [], values.quick);
	return {
		scenarios,
		runs: wholeNumber("--runs", values.runs, 100) ?? defaults.runs,
		seconds: wholeNumber("--seconds", values.seconds, 3_600) ?? defaults.seconds,
		warmUpSeconds: defaults.warmUpSeconds,
		quick: values.quick,
		webhooks: takenBy(scenarios, "webhooks", wholeNumber("--webhooks", values.webhooks, MAX_WEBHOOKS)),
		events: takenBy(scenarios, "events", wholeNumber("--events", values.events, MAX_EVENTS)),
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

Measures a Fanfare server on this machine, and a floor in the same run: a bare undici pump that sends the same
signed POSTs to the same receiver. benchmarks/README.md explains the method and how to read the result.

  --scenario NAME  measure only this scenario; may be given several times
  --group NAME     measure only this group; may be given several times
  --runs N         number of rounds; their medians are shown (default ${DEFAULTS.runs})
  --seconds N      how long each measurement sends (default ${DEFAULTS.seconds})
  --webhooks N     number of webhooks for store-sql (default ${DEFAULT_STORE_WEBHOOKS})
  --events N       number of events for wide-batch (default ${DEFAULT_WIDE_EVENTS})
  --quick          a smoke test of less than a minute; its measurements mean nothing
  --compare REF    measure the server of a git ref and that of the working tree in turn: ratios new ÷ old, no floor
  --curves DIR     measure the growth curves in place of the scenarios, and draw them into DIR
  --markdown FILE  put the tables between the markers of FILE, such as docs/performance.md
  --json FILE      also write all measurements of all rounds to FILE
  --dir PATH       directory for data directories; must be on a disk, because syncs are part of what is measured
  --profile DIR    write CPU profiles of the server to DIR; benchmarks/profile.ts reads them
  -h, --help       print this help

Scenarios by group:

${groups.join("\n\n")}
`;
}

/**
 * The named scenarios and those of the named groups, in the order of a run. If none is named: all. Those that are marked `onlyByName` must be
 * named, but for those that a quick run has.
 */
function chooseScenarios(names: readonly string[], groups: readonly string[], quick: boolean): readonly Scenario[] {
	refuseUnknown(
		"--scenario",
		names,
		SCENARIOS.map(({ name }) => name),
	);
	refuseUnknown("--group", groups, Object.keys(GROUPS));
	const all = names.length === 0 && groups.length === 0;
	return SCENARIOS.filter(
		(scenario) =>
			names.includes(scenario.name) || (isUsual(scenario, quick) && (all || groups.includes(scenario.group))),
	);
}

/** What the torture harness calls a profile, with the scenario that measures it. */
const STORES: Readonly<Record<string, string>> = {
	postgres: "postgres-1000",
	cluster: "cluster-1500",
	nats: "cluster-1500",
};

/** Throws if --profile names what a server keeps its data in. */
function refuseProfileOfStore(profile: string | undefined): void {
	const scenario = profile === undefined ? undefined : STORES[profile];
	if (scenario === undefined) return;
	throw new Error(
		`--profile names a directory for CPU profiles, as ./${profile} would. To measure a server on PostgreSQL: npm run bench -- --scenario ${scenario}`,
	);
}

/** Whether a run has a scenario without its name. */
export function isUsual({ onlyByName = false, inQuickRun = false }: Scenario, quick: boolean): boolean {
	return !onlyByName || (quick && inQuickRun);
}

/** Throws if an option is given that no scenario of the run takes. */
function takenBy(scenarios: readonly Scenario[], option: Scenario["takes"], value: number | undefined): number | null {
	if (value === undefined || scenarios.some(({ takes }) => takes === option)) return value ?? null;
	const names = SCENARIOS.filter(({ takes }) => takes === option).map(({ name }) => name);
	throw new Error(`--${option} applies only to ${names.join(", ")}: name it with --scenario, or omit --${option}`);
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
