// The command line of `npm run torture`.
import { parseArgs } from "node:util";

import { renderRow } from "@fanfare/testkit/report/table";

import type { Fault } from "./fault.ts";
import { FAULTS } from "./faults/all.ts";
import { CLUSTERS, PROFILES, SINGLE, type ProfileName } from "./harness/stores/round-data.ts";

export interface Options {
	readonly rounds: number;
	/** The number of the first one that is played, counted from 1: those before it are left to another run with the same seed. */
	readonly from: number;
	readonly seed: number;
	/** On what the servers run. */
	readonly profile: ProfileName;
	/** Those of the profile that were chosen. */
	readonly faults: readonly Fault[];
	/** How many rounds are played at the same time. */
	readonly jobs: number;
	/** The git ref of the older version in an upgrade; null for the newest one with another schema. */
	readonly before: string | null;
	/** How many threads of the servers make attempts. Null: drawn for each round. */
	readonly senderThreads: number | null;
	/** How many threads of the servers accept requests. Null: drawn for each round. */
	readonly acceptorThreads: number | null;
	/** Keeps data and log of every round, not only of those that fail. */
	readonly keep: boolean;
	readonly jsonFile: string | null;
	readonly markdownFile: string | null;
	/** Files with the results of earlier runs. If there are any, no round is played: they are summed up. */
	readonly sumFiles: readonly string[];
	/** Only lists the faults. */
	readonly list: boolean;
}

const WHY_LINUX =
	"only there is each address from 127.0.1.1 on the machine's own, by which receivers tell processes apart";
const MAX = { rounds: 1_000_000, seed: 2 ** 32 - 1, jobs: 64, senderThreads: 16, acceptorThreads: 1 };

const FLAGS = {
	rounds: { type: "string" },
	from: { type: "string" },
	seed: { type: "string" },
	profile: { type: "string", default: "embedded" },
	fault: { type: "string", multiple: true },
	list: { type: "boolean", default: false },
	json: { type: "string" },
	markdown: { type: "string" },
	sum: { type: "string", multiple: true },
	jobs: { type: "string" },
	before: { type: "string" },
	"sender-threads": { type: "string" },
	"acceptor-threads": { type: "string" },
	keep: { type: "boolean", default: false },
	help: { type: "boolean", short: "h", default: false },
} as const;

/** Null if help was asked for. Throws an error that says which option is wrong, and why. */
export function readOptions(args: readonly string[]): Options | null {
	const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
	if (values.help) return null;
	const profile = PROFILES.find((name) => name === values.profile);
	if (profile === undefined) throw new Error(`--profile must be ${PROFILES.join(" or ")}, got ${values.profile}`);
	if (CLUSTERS.includes(profile) && process.platform !== "linux")
		throw new Error(`--profile ${profile} needs Linux: ${WHY_LINUX}`);
	const faults = chooseFaults(values.fault ?? [], profile);
	const rounds = wholeNumber("--rounds", values.rounds, 1, MAX.rounds) ?? faults.length;
	return {
		profile,
		rounds,
		from: wholeNumber("--from", values.from, 1, rounds) ?? 1,
		seed: wholeNumber("--seed", values.seed, 0, MAX.seed) ?? Math.floor(Math.random() * MAX.seed),
		faults,
		jobs: wholeNumber("--jobs", values.jobs, 1, MAX.jobs) ?? 1,
		before: values.before ?? null,
		senderThreads: wholeNumber("--sender-threads", values["sender-threads"], 0, MAX.senderThreads) ?? null,
		acceptorThreads: wholeNumber("--acceptor-threads", values["acceptor-threads"], 0, MAX.acceptorThreads) ?? null,
		keep: values.keep,
		jsonFile: values.json ?? null,
		markdownFile: values.markdown ?? null,
		sumFiles: values.sum ?? [],
		list: values.list,
	};
}

export function helpText(): string {
	return `npm run torture -- [options]

Plays rounds against a real server: load from several senders, webhooks of many kinds, one fault, recovery, and
the check of every promise. torture/README.md explains how. The exit code is 1 if a promise was broken.

  --rounds N       number of rounds (default: as many as there are faults); first every fault once, then by weight
  --from N         number of the first round to play (default 1), where another run with the same seed plays those before it
  --seed N         everything random follows from it (default: a new one, which is printed)
  --profile NAME   on what the server runs: ${PROFILES.join(", ")} (default embedded)
  --fault NAME     play only this fault; may be given several times
  --list           list the faults
  --jobs N         rounds at the same time (default 1)
  --before REF     the git ref of the older version in an upgrade (default: the newest with another PostgreSQL schema)
  --sender-threads N  how many threads of the server make attempts (default: drawn for each round: 0, 1 or 2)
  --acceptor-threads N  how many threads of the server accept requests (default: drawn for each round: 0 or 1)
  --keep           keep data and log of every round, not only of those that fail
  --json FILE      also write the results of all rounds to FILE
  --markdown FILE  replace the tables between the markers of FILE, such as docs/reliability.md
  --sum FILE       play nothing, but sum up what --json has written in earlier runs; may be given several times
  -h, --help       print this help
`;
}

export function listText(faults: readonly Fault[]): string {
	const width = Math.max(...faults.map(({ name }) => name.length));
	return faults.map(({ name, summary }) => `${renderRow([name, summary], [{ width }])}\n`).join("");
}

function chooseFaults(names: readonly string[], profile: ProfileName): readonly Fault[] {
	const all = FAULTS.filter(({ profiles = SINGLE }) => profiles.includes(profile));
	const unknown = names.filter((name) => !all.some((fault) => fault.name === name));
	if (unknown.length > 0) {
		throw new Error(`--fault must be one of the faults that --list shows for the profile, got ${unknown.join(", ")}`);
	}
	return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

function wholeNumber(flag: string, text: string | undefined, min: number, max: number): number | undefined {
	if (text === undefined) return undefined;
	const value = /^\d+$/.test(text) ? Number(text) : -1;
	if (value >= min && value <= max) return value;
	throw new Error(`${flag} must be a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`);
}
