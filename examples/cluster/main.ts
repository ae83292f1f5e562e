// `npm run cluster`: a whole installation of several processes on this machine, to be harmed while it runs. Read it from top to bottom.
import { constants } from "node:os";
import { createInterface } from "node:readline";

import { renderText } from "@fanfare/testkit/report/table";

import { Screen } from "../demo/screen.ts";
import { drained, playStep, STEPS, type StepResult } from "./drill.ts";
import { Installation } from "./installation.ts";
import { HELP, readOptions, UsageError, type ClusterExampleOptions } from "./options.ts";
import type { Part, PartEvent } from "./part.ts";
import { Traffic, type Counts } from "./traffic.ts";

const SHOWN_EVERY_MS = 500;
const COMMANDS = `  kill <part>      end it at once (SIGKILL); it is started again
  stop <part>      end it as an operator does (SIGTERM); it is started again
  suspend <part>   let it stand still (SIGSTOP)
  resume <part>    let it go on (SIGCONT)
  promote          lose the primary for good; the standby takes its place
  parts            the parts and their process ids
  quit             stop sending, wait for the rest, and end`;
const SIGNALS = { kill: "SIGKILL", stop: "SIGTERM", suspend: "SIGSTOP", resume: "SIGCONT" } as const;

const screen = new Screen(process.stdout);

function tell(part: Part, event: PartEvent): void {
	if (event === "ended") {
		screen.line(`  ${part.name} has ended; it is started again in 3 s`);
		for (const line of part.lastWords.split("\n").filter(Boolean)) screen.line(`    ${line}`);
	}
	if (event === "started") screen.line(`  ${part.name} runs again, as process ${part.pid}`);
	if (event === "failed to start") screen.line(`  ${part.name} could not be started; it is tried again`);
}

async function run({ rate, drill, steps }: ClusterExampleOptions): Promise<number> {
	screen.line(screen.style("bold", "Fanfare on several processes: harm what you like, and nothing may be lost"));
	await using installation = await Installation.start(tell);
	printParts(installation);
	if (installation.natsIssue !== null) screen.line(`  Without NATS: ${installation.natsIssue}`);
	const traffic = await Traffic.create(installation.url, installation.adminKey);
	traffic.start(rate);
	screen.line(`  ${rate} events a second are sent to ${installation.url}; the admin key is ${installation.adminKey}`);
	screen.line(`  The processes' logs are in ${installation.logs}`);
	const timer = setInterval(() => screen.live(`  ${sentence(traffic.counts)}`), SHOWN_EVERY_MS);
	try {
		const wanted = STEPS.filter(({ name }) => steps.length === 0 || steps.includes(name));
		const results = drill ? await playAll(installation, traffic, wanted) : await obey(installation, traffic);
		traffic.stop();
		return await judge(traffic, results);
	} finally {
		clearInterval(timer);
		traffic.close();
	}
}

async function playAll(
	installation: Installation,
	traffic: Traffic,
	steps: typeof STEPS,
): Promise<readonly StepResult[]> {
	const results: StepResult[] = [];
	for (const step of steps) {
		screen.line();
		screen.line(screen.style("bold", step.what));
		if (step.needs !== undefined && installation.part(step.needs) === undefined) {
			screen.line("  left out: this installation has none");
			continue;
		}
		const result = await playStep(installation, traffic, step);
		results.push(result);
		const { accepted, longestMs, twice, repeated } = result.counts;
		const proof = `${accepted} events accepted meanwhile, the latest arrival after ${seconds(longestMs)}, ${twice} twice, ${sendsRepeated(repeated)}`;
		if (result.isDrained) screen.good(proof);
		else screen.bad(`sends are not accepted any more, or some events have not arrived; ${proof}`);
	}
	return results;
}

/** Does what is typed, until it is `quit` or the end of the input. */
async function obey(installation: Installation, traffic: Traffic): Promise<readonly StepResult[]> {
	screen.line();
	screen.line("Type a command, or kill processes from another terminal:");
	screen.line(COMMANDS);
	screen.line();
	for await (const line of createInterface({ input: process.stdin })) {
		const [word = "", name = ""] = line.trim().split(/\s+/);
		if (word === "quit") break;
		if (word === "parts") printParts(installation);
		else if (word === "promote") await promote(installation);
		else if (Object.hasOwn(SIGNALS, word)) signalPart(installation, word as keyof typeof SIGNALS, name);
		else if (word !== "") screen.line(COMMANDS);
		screen.line(`  ${sentence(traffic.counts)}`);
	}
	return [];
}

async function promote({ database }: Installation): Promise<void> {
	if (database.isPromoted) {
		screen.line("  The standby is the primary already.");
		return;
	}
	try {
		await database.promote();
		screen.line("  The standby is the primary now.");
	} catch (error) {
		screen.bad(`The standby could not be promoted: ${error instanceof Error ? error.message : String(error)}`);
	}
}

function signalPart(installation: Installation, word: keyof typeof SIGNALS, name: string): void {
	const part = installation.part(name);
	const names = installation.parts.map((each) => each.name).join(", ");
	if (part === undefined) screen.line(`  There is no part ${JSON.stringify(name)}: the parts are ${names}.`);
	else if (!part.signal(SIGNALS[word])) screen.line(`  ${name} does not run at the moment.`);
}

async function judge(traffic: Traffic, results: readonly StepResult[]): Promise<number> {
	const isDrained = await drained(traffic);
	const { counts } = traffic;
	screen.line();
	const lost = counts.accepted - counts.arrived;
	if (isDrained && results.every((result) => result.isDrained)) {
		screen.good(screen.style("bold", `Nothing was lost: ${sentence(counts)}`));
		return 0;
	}
	screen.bad(`${lost} events were acknowledged and have not arrived: ${sentence(counts)}`);
	return 1;
}

function printParts({ parts }: Installation): void {
	const rows = parts.map(({ name, what, pid }) => [name, pid === null ? "–" : String(pid), what]);
	screen.line(renderText({ header: ["part", "process", "what it does"], rows, rightAligned: new Set([1]) }));
}

function sentence({ accepted, arrived, twice, repeated, longestMs }: Counts): string {
	const waiting = accepted - arrived;
	return `${accepted} accepted, ${arrived} arrived, ${waiting} on their way (longest ${seconds(longestMs)}), ${twice} twice, ${sendsRepeated(repeated)}`;
}

function sendsRepeated(count: number): string {
	return `${count} ${count === 1 ? "send" : "sends"} repeated`;
}

function seconds(ms: number): string {
	return `${(ms / 1_000).toFixed(1)} s`;
}

async function main(): Promise<number> {
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.once(signal, () => process.exit(128 + constants.signals[signal]));
	}
	try {
		const options = readOptions(
			process.argv.slice(2),
			STEPS.map(({ name }) => name),
		);
		if (options !== "help") return await run(options);
		screen.line(HELP.trimEnd());
		return 0;
	} catch (error) {
		process.stderr.write(`cluster: ${error instanceof Error ? error.message : String(error)}\n`);
		if (!(error instanceof UsageError)) return 1;
		process.stderr.write("(npm run cluster -- --help lists the options)\n");
		return 2;
	}
}

process.stdout.on("error", () => process.exit(1));
process.exit(await main());
