// The `fanfare` program: parses the arguments, loads the command that they name, and runs it.
import { Command, type CommanderError } from "commander";

import { ENTRIES, GROUPS, type Entry } from "./entries.ts";
import { endWithoutOutput } from "./frame/outputs.ts";
import { HELP } from "./text/help.ts";
import { printableJson } from "./text/printable.ts";
import { VERSION } from "./version.ts";

/** The exit code of a wrong command line. */
const USAGE = 2;

/** Runs the command that the arguments name. */
export async function runProgram(given: readonly string[]): Promise<void> {
	endWithoutOutput();
	const args = withHelpLast(given);
	// For the scripts of shells, and in no help.
	if (args[0] === "complete" && args[1] === "--") return completeWords(args.slice(2));
	const program = createProgram(args.includes("--json"));
	await addEntries(program, ({ name }) => name === args[0]);
	await program.parseAsync(args, { from: "user" });
}

/** `help webhooks create` as `webhooks create --help`: commander's own command knows only one word. Without the help if there is no such command. */
function withHelpLast(args: readonly string[]): readonly string[] {
	const [first, ...words] = args;
	if (first !== "help") return args;
	const isKnown = words.length === 0 || ENTRIES.some(({ name }) => name === words[0]);
	return isKnown ? [...words, "--help"] : words;
}

async function completeWords(words: readonly string[]): Promise<void> {
	const { complete } = await import("./commands/tools/completion/complete.ts");
	await complete(words, async (name) => {
		const program = createProgram(false);
		await addEntries(program, (entry) => entry.name === name);
		return program.commands.find((command) => command.name() === name) ?? null;
	});
}

/** The program with all commands loaded, for its documentation. */
export async function loadWholeProgram(): Promise<Command> {
	const program = createProgram(false);
	await addEntries(program, () => true);
	return program;
}

function createProgram(asJson: boolean): Command {
	const program = new Command("fanfare")
		.description("Fanfare sends webhooks: signed, retried and logged. `fanfare serve` starts the server.")
		.version(VERSION, "-V, --version", "Print the version.")
		.helpOption("-h, --help", "Print this help.")
		.addHelpCommand(
			new Command("help").argument("[command...]").summary("Print the help of a command.").helpGroup(GROUPS.setUp),
		)
		.configureHelp(HELP)
		.showSuggestionAfterError()
		.exitOverride(exit)
		.configureOutput({
			outputError: (text, write) => {
				const told = withoutValue(text);
				write(asJson ? `${printableJson({ error: usageFailure(told) })}\n` : told);
			},
		});
	if (asJson) return program;
	return program.showHelpAfterError(
		"(`fanfare --help` lists the commands, `fanfare <command> --help` lists the options of a command)",
	);
}

/** Adds the commands in their order. Those that are not loaded have their name and summary only. */
async function addEntries(program: Command, isLoaded: (entry: Entry) => boolean): Promise<void> {
	for (const entry of ENTRIES) {
		if (isLoaded(entry)) (await entry.load())(program);
		else program.command(entry.name);
		const command = program.commands.at(-1);
		if (command?.name() !== entry.name) throw new Error(`the command ${entry.name} was not added`);
		command.summary(entry.summary).helpGroup(entry.group);
		// Its own, without the heading of the program's.
		if (command.commands.length > 0) command.helpCommand("help [command]", "Print the help of a command.");
	}
}

/** Commander calls this where it would exit: after help with 0, after a wrong command line with 1. */
function exit({ exitCode }: CommanderError): never {
	process.exit(exitCode === 0 ? 0 : USAGE);
}

/** Commander repeats the value that was refused, which may be a secret, such as that of a header. Its caller has just typed it. */
function withoutValue(text: string): string {
	return text
		.replace(/^(error: option '[^']*') argument '.*' is invalid\./s, "$1 is invalid.")
		.replace(/^error: command-argument value '.*' is invalid for (argument '[^']*'\.)/s, "error: $1")
		.replace(/^(error: unknown option '[^'=]*)=.*'/s, "$1'");
}

function usageFailure(text: string) {
	const message = text.trim().replace(/^error: /, "");
	return { message, code: null, status: null, requestId: null, issues: [], exitCode: USAGE, next: null };
}
