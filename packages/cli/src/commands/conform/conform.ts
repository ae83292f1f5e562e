// `fanfare conform`: grades a receiver.
import { writeFileSync } from "node:fs";

import type { Command } from "commander";

import { missing, type Call, type CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, EXIT, usageError } from "../../frame/failure.ts";
import { parseList, parsePositive, readJson } from "../../frame/values.ts";
import { printable } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { parseDuration } from "../../text/times.ts";
import { parseTarget } from "../listen/target.ts";
import { readSecrets, SECRET_FILE } from "../signing/signature.ts";
import { CHECKS, type Check } from "./checks.ts";
import { grade, type Graded } from "./grade.ts";
import { junitOf } from "./junit.ts";
import { Probe } from "./probe.ts";

interface Options extends CommonOptions {
	readonly secretFile?: string;
	readonly type?: string;
	readonly data?: string;
	readonly only?: string[];
	readonly burst?: number;
	readonly slow?: number;
	readonly timeout?: number;
	readonly junit?: string;
}

const DEFAULTS = { type: "conform.test", burst: 20, slowMs: 5_000, timeoutMs: 15_000 } as const;
const MAX_BURST = 200;

/** Adds the command to the program. */
export function addConform(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "conform [url]",
			summary: "Check whether a receiver does what receivers must do.",
			description:
				"It sends about forty signed requests from this machine, valid and invalid ones, and says of each defect what to do. It needs no server. The receiver handles the valid ones as real events, so take one that is for tests. Exit code 1 if there is a defect.",
			args: { url: "The address of the receiver: a URL, or a port and a path such as 3000/hooks." },
			usesServer: false,
			options: [
				option("--secret-file <file>", SECRET_FILE),
				option("--type <type>", `The event type of the requests. Default: ${DEFAULTS.type}.`),
				option("--data <json>", "The data of the events, as JSON, @file, or @- for standard input. Default: {}."),
				option("--only <list>", `Only these checks: ${CHECKS.map(({ name }) => name).join(", ")}.`, parseList),
				option("--burst <count>", `How many requests come at once. Default: ${DEFAULTS.burst}.`, parsePositive),
				option("--slow <duration>", "How long an answer may take. Default: 5s.", parseDuration),
				option("--timeout <duration>", "After which there is no answer. Default: 15s.", parseDuration),
				option("--junit <file>", "Write the results as JUnit XML, too, for CI."),
			],
			examples: [
				"fanfare conform 3000/hooks --secret-file .secret",
				"fanfare conform https://staging.example.com/hooks --secret-file .secret --junit conform.xml",
			],
		},
		conform,
	);
}

async function conform({ options, output }: Call<Options>, url: string | undefined): Promise<void> {
	const { secretFile, type = DEFAULTS.type, burst = DEFAULTS.burst, slow: slowMs = DEFAULTS.slowMs } = options;
	if (url === undefined) throw missing("url", "fanfare conform --help");
	if (secretFile === undefined) throw missing("--secret-file", "fanfare conform --help");
	if (burst > MAX_BURST) throw usageError(`--burst must be at most ${MAX_BURST}, got ${burst}.`);
	const checks = chosen(options.only);
	// A certificate counts also on this machine, where `listen` does not mind.
	const target = { ...parseTarget(url, true), isLocal: false };
	const data = options.data === undefined ? {} : await readJson("--data", options.data);
	const [secret, other] = await readSecrets(secretFile);
	if (secret === undefined || other !== undefined) throw usageError("--secret-file must have one secret.");
	const probe = new Probe(target, secret, { type, data }, options.timeout ?? DEFAULTS.timeoutMs);
	const graded = await grade(checks, { probe, first: await probe.send(), burst, slowMs });
	const failed = graded.filter(({ result }) => result === "failed");
	if (options.junit !== undefined) writeJunit(options.junit, junitOf(target.url.href, graded));
	if (failed.length > 0) process.exitCode = EXIT.failed;
	if (output.mode === "json") {
		const conforms = failed.length === 0;
		await output.data(JSON.stringify({ object: "conformance", url: target.url.href, conforms, checks: graded }));
	} else if (output.mode === "quiet") {
		if (failed.length > 0) await output.data(failed.map(({ name }) => name).join("\n"));
	} else {
		await output.data(graded.flatMap(linesOf).join("\n"));
		const passed = graded.filter(({ result }) => result === "passed").length;
		output.note(`${passed} of ${graded.length} checks passed, with ${probe.count} requests.`);
	}
}

/** Those that are named, and the basic ones, without which they mean nothing. */
function chosen(only: readonly string[] | undefined): readonly Check[] {
	const unknown = only?.find((name) => !CHECKS.some((check) => check.name === name));
	if (unknown !== undefined) {
		const known = CHECKS.map(({ name }) => name).join(", ");
		throw usageError(`--only must be some of ${known}; got ${JSON.stringify(unknown)}.`);
	}
	return CHECKS.filter(({ name, isBasic = false }) => only === undefined || isBasic || only.includes(name));
}

function linesOf({ name, title, result, problem }: Graded): string[] {
	const glyphs = {
		passed: onStdout("green", "✓"),
		failed: onStdout("red", "✗"),
		skipped: onStdout("dim", "–"),
	};
	const head = `${glyphs[result]} ${name.padEnd(14)}  ${title}${result === "skipped" ? " (skipped)" : ""}`;
	return problem === null ? [head] : [head, `    ${printable(problem)}`];
}

function writeJunit(file: string, xml: string): void {
	try {
		writeFileSync(file, xml);
	} catch (error) {
		throw new CommandError(`--junit could not be written to ${file}: ${(error as Error).message}`, EXIT.failed);
	}
}
