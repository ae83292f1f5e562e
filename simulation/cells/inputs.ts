// The inputs of the simulation of cells, each with its meaning, the source of its default, and its flag.
import { parseArgs } from "node:util";

interface Input {
	readonly flag: string;
	readonly default: number;
	readonly min: number;
	readonly max: number;
	readonly unit: string;
	readonly meaning: string;
	/** Where the default comes from. */
	readonly source: "measured" | "assumed";
}

/** The measured ones are those of the benchmark `cluster-1500`: docs/performance.md. */
const INPUTS = {
	deliveries: {
		flag: "deliveries",
		default: 1_000_000,
		min: 1,
		max: 100_000_000,
		unit: "/s",
		meaning: "deliveries of all projects, in the busiest hour of the day",
		source: "assumed",
	},
	projects: {
		flag: "projects",
		default: 20_000,
		min: 1,
		max: 200_000,
		unit: "",
		meaning: "projects",
		source: "assumed",
	},
	skew: {
		flag: "skew",
		default: 0.7,
		min: 0,
		max: 3,
		unit: "",
		meaning: "how unequal they are: the project of rank n has 1/n^skew of the first one's load (0: all are alike)",
		source: "assumed",
	},
	burst: {
		flag: "burst",
		default: 2,
		min: 1,
		max: 10,
		unit: "×",
		meaning:
			"a project's busiest minutes (one in a hundred), compared with its mean at that time of the day; its quota refuses more",
		source: "assumed",
	},
	serverUs: {
		flag: "server-us",
		default: 240,
		min: 1,
		max: 100_000,
		unit: "µs",
		meaning: "CPU of the Fanfare processes for each delivery: 16 times the floor, on a machine where that takes 15 µs",
		source: "measured",
	},
	databaseUs: {
		flag: "database-us",
		default: 120,
		min: 1,
		max: 100_000,
		unit: "µs",
		meaning: "CPU of PostgreSQL for each delivery, with NATS: 8 times the floor",
		source: "measured",
	},
	walBytes: {
		flag: "wal-bytes",
		default: 4_500,
		min: 1,
		max: 10_000_000,
		unit: "B",
		meaning: "WAL for each delivery, which also goes to the standby",
		source: "measured",
	},
	diskBytes: {
		flag: "disk-bytes",
		default: 2_960,
		min: 1,
		max: 10_000_000,
		unit: "B",
		meaning: "disk for each delivery in the log, indexes included",
		source: "measured",
	},
	bodyBytes: {
		flag: "body-bytes",
		default: 1_024,
		min: 1,
		max: 262_144,
		unit: "B",
		meaning: "size of a delivery's body",
		source: "assumed",
	},
	primaryCores: {
		flag: "primary-cores",
		default: 16,
		min: 1,
		max: 1_024,
		unit: "",
		meaning: "cores of a primary",
		source: "assumed",
	},
	primaryWalMb: {
		flag: "primary-wal-mb",
		default: 200,
		min: 1,
		max: 100_000,
		unit: "MB/s",
		meaning: "WAL that a primary writes, syncs and sends to its standby at most",
		source: "assumed",
	},
	use: {
		flag: "use",
		default: 0.6,
		min: 0.05,
		max: 1,
		unit: "",
		meaning: "share of a limit that the plan uses in the busiest hour",
		source: "assumed",
	},
	connections: {
		flag: "connections",
		default: 12,
		min: 1,
		max: 1_000,
		unit: "",
		meaning: "connections of a process to its primary, at most",
		source: "measured",
	},
	retentionDays: {
		flag: "retention-days",
		default: 7,
		min: 1,
		max: 3_650,
		unit: "days",
		meaning: "how long the log is kept (FANFARE_RETENTION_DAYS)",
		source: "assumed",
	},
	failoverS: {
		flag: "failover-s",
		default: 30,
		min: 1,
		max: 3_600,
		unit: "s",
		meaning: "how long a cell is without a primary when it fails over",
		source: "assumed",
	},
	seed: {
		flag: "seed",
		default: 1,
		min: 0,
		max: 2 ** 31 - 1,
		unit: "",
		meaning: "seed of the projects' loads: the same seed gives the same day",
		source: "assumed",
	},
} as const satisfies Record<string, Input>;

export type Inputs = Readonly<Record<keyof typeof INPUTS, number>>;

const ALL = Object.entries(INPUTS) as [keyof Inputs, Input][];
const WHOLE: ReadonlySet<string> = new Set(["projects", "seed"]);

/** Null if help was asked for. Throws an error that says which option is wrong, and why. */
export function readInputs(args: readonly string[]): Inputs | null {
	const flags = Object.fromEntries(ALL.map(([, { flag }]) => [flag, { type: "string" } as const]));
	const options = { ...flags, help: { type: "boolean", short: "h" } } as const;
	const values: Readonly<Record<string, unknown>> = parseArgs({ args: [...args], options, strict: true }).values;
	if (values["help"] === true) return null;
	return Object.fromEntries(ALL.map(([name, input]) => [name, valueOf(name, input, values[input.flag])])) as Inputs;
}

function valueOf(name: string, input: Input, text: unknown): number {
	if (text === undefined) return input.default;
	const value = typeof text === "string" && text.trim() !== "" ? Number(text.replaceAll("_", "")) : Number.NaN;
	const isWhole = !WHOLE.has(name) || Number.isInteger(value);
	if (value >= input.min && value <= input.max && isWhole) return value;
	const kind = WHOLE.has(name) ? "a whole number" : "a number";
	throw new Error(`--${input.flag} must be ${kind} from ${input.min} to ${input.max}, got ${JSON.stringify(text)}`);
}

/** Each input with its value, its unit and where its default comes from. */
export function describeInputs(inputs: Inputs): readonly (readonly [flag: string, value: string, meaning: string])[] {
	return ALL.map(([name, input]) => {
		const value = inputs[name];
		const source = value === input.default ? input.source : "given";
		return [`--${input.flag}`, `${value.toLocaleString("en")} ${input.unit}`.trim(), `${input.meaning} (${source})`];
	});
}
