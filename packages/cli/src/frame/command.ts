// How commands are made: each with the common options, and an action whose failures become messages and exit codes.
import { Help, Option, type Command } from "commander";

import { printableJson } from "../text/printable.ts";
import type { Call, CommonOptions } from "./call.ts";
import { failureLines, describeFailure, EXIT, usageError } from "./failure.ts";
import { endWithoutStderr } from "./outputs.ts";
import { refuseSecondValues } from "./refusals/given-twice.ts";
import { inWordsOf, namesOfCommand } from "./refusals/in-words-of.ts";
import { withNulls } from "./values.ts";

/** What a command is. */
export interface Leaf {
	/** With its arguments, such as `get [webhook]`. */
	readonly usage: string;
	readonly summary: string;
	/** Says more than the summary. */
	readonly description?: string;
	/** The texts of the arguments, by name. */
	readonly args?: Readonly<Record<string, string>>;
	readonly options?: readonly Option[];
	/** Whether it takes --project. Defaults to true. */
	readonly inProject?: boolean;
	/** Whether it talks to a server, and takes --profile and --url. Defaults to true. */
	readonly usesServer?: boolean;
	/**
	 * `ask`: it changes something, so it asks before if the profile is for production. `asks`: it asks by itself, always. Omitted: it only reads.
	 */
	readonly changes?: "ask" | "asks";
	/** Examples of its use, for its help. */
	readonly examples?: readonly string[];
}

/** Adds a command to a group, or to the program. */
export function leaf<O extends CommonOptions>(
	parent: Command,
	spec: Leaf,
	run: (call: Call<O>, ...args: (string | undefined)[]) => Promise<void>,
): Command {
	const command = parent.command(spec.usage).summary(spec.summary);
	command.description([spec.summary, spec.description].filter((text) => text !== undefined).join(" "));
	for (const argument of command.registeredArguments) argument.description = spec.args?.[argument.name()] ?? "";
	for (const option of spec.options ?? []) command.addOption(option);
	addCommonOptions(command, spec);
	command.configureHelp({ ...command.configureHelp(), groupItems: commonLast });
	refuseSecondValues(command);
	if (spec.examples !== undefined) {
		EXAMPLES.set(command, spec.examples);
		command.addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  $ ${line}`).join("\n")}`);
	}
	return command.action(async (...given: unknown[]) => {
		const options = withNulls(command.opts<O>());
		await withFailures(command, options.json === true, async () => {
			// Not before it runs: it brings the SDK, with some forty modules that a help or a completion would wait for.
			const { Call } = await import("./call.ts");
			const call = new Call<O>(options);
			refuseEmptyRanges(options);
			if (spec.changes === "ask") await call.confirmProduction(pathOf(command));
			await run(call, ...(given.slice(0, -2) as (string | undefined)[]));
		});
	});
}

/** Options that are the start and the end of a range of time, in milliseconds. Other ranges are refused by the server. */
const RANGES = [
	["after", "before"],
	["updatedAfter", "updatedBefore"],
] as const;

/** Throws if a range ends where it begins or before: nothing could be in it, and "nothing found" would hide the mistake. */
function refuseEmptyRanges(options: object): void {
	const given = new Map<string, unknown>(Object.entries(options));
	for (const [start, end] of RANGES) {
		const [from, to] = [given.get(start), given.get(end)];
		if (typeof from === "number" && typeof to === "number" && from >= to) {
			const flag = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
			throw usageError(`${flag(start)} must be earlier than ${flag(end)}: there is nothing in between.`);
		}
	}
}

/** The examples of commands, which commander knows only as text for the help. */
const EXAMPLES = new WeakMap<Command, readonly string[]>();

/** The examples of a command. */
export function examplesOf(command: Command): readonly string[] {
	return EXAMPLES.get(command) ?? [];
}

/** The words of a command: `fanfare webhooks pause`. */
export function pathOf(command: Command): string {
	return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** An option for the help. */
export function option(flags: string, description: string, parse?: (text: string, earlier: never) => unknown): Option {
	const option = new Option(flags, description);
	return parse === undefined ? option : option.argParser(parse as (text: string, earlier: unknown) => unknown);
}

/** An option that takes one of some values. */
export function choice(flags: string, description: string, values: readonly string[]): Option {
	return new Option(flags, description).choices([...values]);
}

/** The heading of the options that every command has. */
export const COMMON_GROUP = "Options of every command:";

/** Puts what every command has below what this one has, also where that is the help alone. */
const commonLast: Help["groupItems"] = (all, visible, groupOf) => {
	const groups = Help.prototype.groupItems(all, visible, groupOf);
	const common = groups.get(COMMON_GROUP);
	if (common === undefined) return groups;
	groups.delete(COMMON_GROUP);
	return groups.set(COMMON_GROUP, common);
};

function addCommonOptions(command: Command, { inProject = true, usesServer = true, changes }: Leaf): void {
	const add = (flags: string, description: string) =>
		command.addOption(new Option(flags, description).helpGroup(COMMON_GROUP));
	if (changes !== undefined) add("-y, --yes", "Do not ask before a change.");
	add("--json", "Print JSON: the object, or one object a line. Never ask.");
	add("-q, --quiet", "Print only ids.");
	if (!usesServer) return;
	if (inProject) add("--project <id or name>", "The project. [FANFARE_PROJECT]");
	add("--profile <name>", "The profile to use. [FANFARE_PROFILE]");
	add("--url <url>", "The address of the server, with a key in FANFARE_KEY. [FANFARE_URL]");
}

/** Runs the work; a failure becomes a message on standard error, and an exit code. */
async function withFailures(command: Command, asJson: boolean, work: () => Promise<void>): Promise<void> {
	endWithoutStderr();
	try {
		await work();
	} catch (error) {
		const failure = inWordsOf(namesOfCommand(command), await describeFailure(error));
		process.exitCode = failure.exitCode;
		if (asJson) process.stderr.write(`${printableJson({ error: failure })}\n`);
		else if (failure.exitCode !== EXIT.interrupted) process.stderr.write(`${failureLines(failure).join("\n")}\n`);
	}
}
