// `fanfare events import`: sends many events, one JSON object a line.
import { createReadStream, statSync } from "node:fs";
import { addAbortSignal } from "node:stream";

import type { BatchResult, ProjectHandle, SendEvent } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, EXIT, interrupted, usageError } from "../../frame/failure.ts";
import { parseExactly } from "../../frame/values.ts";
import { linesOf } from "../../text/lines.ts";
import { counted } from "../../text/numbers.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { acceptedTypes, problemOf, withPlainTime } from "./check.ts";

interface Options extends CommonOptions {
	readonly dryRun?: boolean;
	readonly keyPrefix?: string;
}

/** One line of the input: an event to send, or why it is not one. */
interface Line {
	readonly number: number;
	readonly bytes: number;
	readonly event: SendEvent | null;
	readonly problem: string | null;
}

/** What was sent so far. */
interface Totals {
	sent: number;
	duplicates: number;
	refused: number;
}

const FIELDS = ["type", "data", "timestamp", "idempotencyKey", "webhookIds", "customerId", "customerIds", "tags"];
/** The most lines, and the most bytes of lines, in memory at once. */
const AT_ONCE = { lines: 1_000, bytes: 5_000_000 };
/** The largest body that the server takes: no event can be longer. */
const MAX_LINE_BYTES = 5 * 1_024 * 1_024;

/** Adds `import` to the group. */
export function addImport(group: Command): void {
	leaf<Options>(
		group,
		{
			usage: "import [file]",
			summary: "Send many events from a file or standard input, one JSON object a line.",
			description: `Each line has a type and data, and may have ${FIELDS.slice(2).join(", ")}. A line that is not valid is reported with its number, and does not affect the others; the exit code is then 1. Ctrl-C ends it after the request under way, and says from which line on nothing was sent. With --key-prefix, the same file can be sent again after an interruption, and no event is accepted twice.`,
			args: { file: "The file; - or nothing for standard input." },
			options: [
				option("--key-prefix <text>", "Gives line 7 the idempotency key <text>:7, unless it has a key of its own."),
				option("-n, --dry-run", "Only check the lines: their form, and whether the project takes their event types."),
			],
			changes: "asks",
			examples: [
				"fanfare events import orders.ndjson --key-prefix orders-2026-01",
				"jq -c '.[]' orders.json | fanfare events import",
			],
		},
		run,
	);
}

async function run(call: Call<Options>, given = "-"): Promise<void> {
	const { dryRun, keyPrefix } = call.options;
	if (given === "-" && process.stdin.isTTY) throw usageError("Pass a file, or the events on standard input.");
	const size = sizeOf(given);
	// What is piped can't be counted before, and there is nobody to ask.
	if (dryRun !== true) await call.confirmProduction("fanfare events import");
	const project = dryRun === true ? null : await call.project();
	const types = dryRun === true ? await acceptedTypes(call) : null;
	const progress = new Progress(call, size);
	const totals: Totals = { sent: 0, duplicates: 0, refused: 0 };
	const stopped = stopOnInterrupt();
	let next = 1;
	try {
		for await (const lines of chunksOf(given, stopped)) {
			for (const { number, problem } of lines) if (problem !== null) refuse(call, totals, number, problem);
			const valid = lines.filter(({ event }) => event !== null);
			if (project === null) checkOnly(call, totals, valid, types);
			else await send(call, project, totals, valid, keyPrefix);
			progress.add(lines, totals);
			next = (lines.at(-1)?.number ?? 0) + 1;
			if (stopped.aborted) break;
		}
	} catch (error) {
		if (!stopped.aborted || (error as Error).name !== "AbortError") throw error;
	} finally {
		progress.end();
	}
	if (stopped.aborted) {
		const done = dryRun === true ? "was checked" : "was sent";
		call.output.warn(`Stopped: everything before line ${next} ${done}, and nothing from there on.`);
		throw interrupted();
	}
	await call.output.object({ object: "import", ...totals, dryRun: dryRun === true }, String(totals.sent), () => [
		[dryRun === true ? "Valid" : "Accepted", counted(totals.sent, "event")],
		["Sent before", totals.duplicates === 0 ? null : counted(totals.duplicates, "event")],
		["Refused", totals.refused === 0 ? null : counted(totals.refused, "line")],
	]);
	if (totals.refused > 0) process.exitCode = EXIT.failed;
}

/** Counts the events that the server would take, as far as that can be known. */
function checkOnly(
	call: Call<Options>,
	totals: Totals,
	lines: readonly Line[],
	types: ReadonlySet<string> | null,
): void {
	for (const { event, number } of lines) {
		const { type } = event as SendEvent;
		const unknown = types?.has(type) === false ? `type ${JSON.stringify(type)} is none that the project takes` : null;
		if (unknown === null) totals.sent++;
		else refuse(call, totals, number, unknown);
	}
}

async function send(
	call: Call<Options>,
	project: ProjectHandle,
	totals: Totals,
	lines: readonly Line[],
	keyPrefix: string | undefined,
): Promise<void> {
	const events = lines.map(({ event, number }) => {
		const known = event as SendEvent;
		return keyPrefix === undefined
			? known
			: { ...known, idempotencyKey: known.idempotencyKey ?? `${keyPrefix}:${number}` };
	});
	let results: readonly BatchResult[];
	let failure: unknown = null;
	try {
		results = await project.events.sendBatch(events);
	} catch (error) {
		const { BatchError } = await import("@fanfare/sdk");
		results = error instanceof BatchError ? error.results : [];
		failure = error;
	}
	for (const [index, { event, error }] of results.entries()) {
		if (error !== undefined) refuse(call, totals, lines[index]?.number ?? 0, error.message);
		else if (event !== undefined && event.duplicate) totals.duplicates++;
		else totals.sent++;
	}
	if (failure === null) return;
	const next = lines[results.length]?.number ?? 0;
	call.output.warn(`Stopped: everything before line ${next} was sent; line ${next} and the following may have been.`);
	throw failure;
}

function refuse({ output }: Call<Options>, totals: Totals, number: number, problem: string): void {
	totals.refused++;
	const text = printable(problem);
	if (output.mode === "json") process.stderr.write(`${printableJson({ line: number, message: problem })}\n`);
	else output.warn(`line ${number}: ${text}`);
}

/** The first Ctrl-C ends the import after the request under way; a second one ends the process at once. */
function stopOnInterrupt(): AbortSignal {
	const controller = new AbortController();
	process.once("SIGINT", () => controller.abort());
	return controller.signal;
}

/** Reads the lines, in pieces that fit into memory. */
async function* chunksOf(file: string, stopped: AbortSignal): AsyncGenerator<Line[]> {
	const input = addAbortSignal(stopped, file === "-" ? process.stdin : createReadStream(file));
	let lines: Line[] = [];
	let bytes = 0;
	for await (const { number, bytes: size, text, problem } of linesOf(input, MAX_LINE_BYTES)) {
		if (text?.trim() === "") continue;
		lines.push({ number, bytes: size, ...(text === null ? { event: null, problem } : parsed(text)) });
		bytes += size;
		if (lines.length < AT_ONCE.lines && bytes < AT_ONCE.bytes) continue;
		yield lines;
		lines = [];
		bytes = 0;
	}
	if (lines.length > 0) yield lines;
}

function parsed(text: string): Pick<Line, "event" | "problem"> {
	const refused = (problem: string) => ({ event: null, problem });
	let value: unknown;
	try {
		value = parseExactly(text);
	} catch (error) {
		return refused(`not JSON: ${(error as Error).message}`);
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) return refused("must be a JSON object");
	const unknown = Object.keys(value).find((name) => !FIELDS.includes(name));
	if (unknown !== undefined)
		return refused(`has the unknown field ${JSON.stringify(unknown)}; fields are ${FIELDS.join(", ")}`);
	const { type } = value as { readonly type?: unknown };
	if (typeof type !== "string") return refused("type must be a string such as order.paid");
	const event = withPlainTime(value as SendEvent);
	const problem = problemOf(event);
	return problem === null ? { event, problem } : refused(problem);
}

function sizeOf(file: string): number | null {
	if (file === "-") return null;
	try {
		return statSync(file).size;
	} catch (error) {
		throw new CommandError(`The file could not be read: ${(error as Error).message}`, EXIT.usage);
	}
}

const BAR = 24;

/** A bar on a terminal: how much of the file is done. */
class Progress {
	readonly #isShown: boolean;
	readonly #size: number | null;
	#done = 0;

	constructor({ output }: Call<Options>, size: number | null) {
		this.#isShown = process.stderr.isTTY && output.mode === "people";
		this.#size = size;
	}

	add(lines: readonly Line[], { sent }: Totals): void {
		this.#done += lines.reduce((sum, { bytes }) => sum + bytes, 0);
		if (!this.#isShown) return;
		const fraction = this.#size === null || this.#size === 0 ? null : Math.min(1, this.#done / this.#size);
		const filled = Math.round((fraction ?? 0) * BAR);
		const bar =
			fraction === null ? "" : `${"█".repeat(filled)}${"░".repeat(BAR - filled)} ${Math.floor(fraction * 100)} % `;
		process.stderr.write(`\r\u001B[K${bar}${counted(sent, "event")}`);
	}

	end(): void {
		if (this.#isShown) process.stderr.write("\r\u001B[K");
	}
}
