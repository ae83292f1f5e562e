// `fanfare conform`: grades a receiver.
import { writeFileSync } from "node:fs";

import { CHECKS, CHECKS_BY_SERVER, grade, type Check, type Graded } from "@fanfare/server/conformance";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, EXIT, missing, usageError } from "../../frame/failure.ts";
import { webhookIdOf } from "../../frame/named.ts";
import { parseList, parsePositive, readJson } from "../../frame/values.ts";
import { counted } from "../../text/numbers.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { parseDuration } from "../../text/times.ts";
import { parseTarget } from "../listen/target.ts";
import { readSecrets } from "../signing/signature.ts";
import { junitOf } from "./junit.ts";
import { LocalProbe } from "./probe.ts";

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
const MAX_BURST_OF_SERVER = 50;
/** What is a URL, or a port and a path, and no webhook. */
const ADDRESS = /^(https?:|\d+(\/|$)|localhost\b|\S+:\d+)|\//;

/** Adds the command to the program. */
export function addConform(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "conform [receiver]",
			summary: "Check whether a receiver does what receivers must do.",
			description:
				"It sends about forty signed requests, valid and invalid ones, and says of each defect what to do. To a URL it sends from this machine, signed with --secret-file, and needs no server. To a webhook the server sends: it has the secret, calls only what webhooks may call, and keeps the requests out of the log. The receiver handles the valid ones as real events, so take one that is for tests. Exit code 1 if there is a defect.",
			args: {
				receiver:
					"A URL, or a port and a path such as 3000/hooks, with --secret-file; or a webhook: its id, its key, or its name.",
			},
			options: [
				option("--secret-file <file>", "A file with the receiver's secret, or - for standard input. For a URL."),
				option("--type <type>", `The event type of the requests. Default: ${DEFAULTS.type}.`),
				option(
					"--data <json>",
					"The data of the events, as JSON, @file, or @- for standard input. Default: {}; for a webhook the example of --type.",
				),
				option(
					"--only <list>",
					`Only these checks and the basic ones: ${CHECKS.map(({ name }) => name).join(", ")}.`,
					parseList,
				),
				option(
					"--burst <count>",
					`How many requests come at once. Default: ${DEFAULTS.burst}; at most ${MAX_BURST}, and ${MAX_BURST_OF_SERVER} for a webhook.`,
					parsePositive,
				),
				option("--slow <duration>", "How long a response may take. Default: 5s.", parseDuration),
				option(
					"--timeout <duration>",
					"After which there is no response. Default: 15s. Only for a URL.",
					parseDuration,
				),
				option("--junit <file>", "Write the results as JUnit XML, too, for CI."),
			],
			examples: [
				"fanfare conform 3000/hooks --secret-file .secret",
				"fanfare conform https://staging.example.com/hooks --secret-file .secret --junit conform.xml",
				"fanfare conform billing-test",
			],
			changes: "asks",
		},
		conform,
	);
}

async function conform(call: Call<Options>, receiver: string | undefined): Promise<void> {
	const { options, output } = call;
	const found = options.secretFile === undefined ? await byServer(call, receiver) : await fromHere(call, receiver);
	const { name, checks, requestCount, endedEarly } = found;
	const failed = checks.filter(({ result }) => result === "failed");
	const conforms = failed.length === 0 && endedEarly === null;
	if (options.junit !== undefined) writeJunit(options.junit, junitOf(name, checks));
	if (!conforms) process.exitCode = EXIT.failed;
	if (output.mode === "json") {
		await output.data(printableJson({ object: "conformance", ...found.subject, conforms, checks }));
	} else if (output.mode === "quiet") {
		if (failed.length > 0) await output.data(failed.map(({ name }) => name).join("\n"));
	} else {
		await output.data(checks.flatMap(linesOf).join("\n"));
		const passed = checks.filter(({ result }) => result === "passed").length;
		output.note(`${passed} of ${checks.length} checks passed, with ${counted(requestCount, "request")}.`);
		if (endedEarly !== null) output.note(`It ended early: ${printable(endedEarly)}`);
	}
}

interface Found {
	/** As people know the receiver. */
	readonly name: string;
	/** The same for programs. */
	readonly subject: { readonly url: string } | { readonly webhookId: string; readonly endedEarly: string | null };
	readonly checks: readonly Graded[];
	readonly requestCount: number;
	readonly endedEarly: string | null;
}

async function fromHere({ options }: Call<Options>, url: string | undefined): Promise<Found> {
	const { secretFile = "", type = DEFAULTS.type, burst = DEFAULTS.burst, slow: slowMs = DEFAULTS.slowMs } = options;
	if (url === undefined) throw missing("receiver", "fanfare conform --help");
	if (burst > MAX_BURST) throw usageError(`--burst must be at most ${MAX_BURST}, got ${burst}.`);
	const checks = chosen(CHECKS, options.only);
	// A certificate counts also on this machine, where `listen` does not mind.
	const target = { ...parseTarget(url, true), isLocal: false };
	const data = options.data === undefined ? {} : await readJson("--data", options.data);
	const [secret, other] = await readSecrets(secretFile);
	if (secret === undefined || other !== undefined) throw usageError("--secret-file must have one secret.");
	const probe = new LocalProbe(target, secret, { type, data }, options.timeout ?? DEFAULTS.timeoutMs);
	const graded = await grade(checks, { probe, first: await probe.send(), burst, slowMs });
	const { href } = target.url;
	return { name: href, subject: { url: href }, checks: graded, requestCount: probe.count, endedEarly: null };
}

async function byServer(call: Call<Options>, given: string | undefined): Promise<Found> {
	const { type: eventType, data, only: checks, burst, slow: slowMs, timeout } = call.options;
	if (given !== undefined && ADDRESS.test(given)) throw missing("--secret-file", "fanfare conform --help");
	if (timeout !== undefined) throw usageError("--timeout is for a URL: a webhook has a time limit of its own.");
	if (burst !== undefined && burst > MAX_BURST_OF_SERVER) {
		throw usageError(`--burst must be at most ${MAX_BURST_OF_SERVER} for a webhook, got ${burst}.`);
	}
	chosen(CHECKS_BY_SERVER, checks);
	const sample = { eventType, ...(data !== undefined && { data: await readJson("--data", data) }) };
	await call.confirmProduction("fanfare conform");
	const project = await call.project();
	const webhookId = await webhookIdOf(call, project, given);
	call.output.note("The server is checking the receiver, for a minute at most…");
	const {
		object: _,
		conforms: __,
		...found
	} = await project.batch.webhooks.conform(webhookId, {
		...sample,
		checks,
		burst,
		slowMs,
	});
	return { ...found, name: given ?? webhookId, subject: { webhookId, endedEarly: found.endedEarly } };
}

/** The named checks, and the basic checks, without which the others mean nothing. */
function chosen(all: readonly Check[], only: readonly string[] | undefined): readonly Check[] {
	const unknown = only?.find((name) => !all.some((check) => check.name === name));
	if (unknown !== undefined) {
		const known = all.map(({ name }) => name).join(", ");
		throw usageError(`--only must be some of ${known}; got ${JSON.stringify(unknown)}.`);
	}
	return all.filter(({ name, isBasic = false }) => only === undefined || isBasic || only.includes(name));
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
