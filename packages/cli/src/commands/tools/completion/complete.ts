// `fanfare complete -- <words>`: what could come next, for the scripts of shells. It says nothing about errors, and is quick.
import { Option, type Command } from "commander";

import { ENTRIES } from "../../../entries.ts";
import type { ChoiceParser } from "../../../frame/values.ts";
import { namesFor, type Candidate } from "./names.ts";
import { FILES } from "./scripts.ts";

type Found = readonly Candidate[] | typeof FILES;

/** Prints what could come next, one word a line, with a tab and what it means. The last word is the one that is being typed. */
export async function complete(
	words: readonly string[],
	loadCommand: (name: string) => Promise<Command | null>,
): Promise<void> {
	try {
		const found = await candidates(words, loadCommand);
		const lines =
			found === FILES ? [FILES] : found.map(({ value, description }) => `${value}\t${oneLine(description)}`);
		if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
	} catch {
		// Completion is a convenience: nothing is completed.
	}
}

async function candidates(
	given: readonly string[],
	loadCommand: (name: string) => Promise<Command | null>,
): Promise<Found> {
	// Bash takes `=` as a word of its own, and quotes as a part of the word.
	const words = given.filter((word) => word !== "=").map((word) => word.replace(/^["']/, ""));
	const isAfterEquals = given.at(-1) === "=";
	const typed = isAfterEquals ? "" : (words.at(-1) ?? "");
	const [name, ...rest] = isAfterEquals ? words : words.slice(0, -1);
	if (name === undefined)
		return starting(
			typed,
			ENTRIES.map(({ name, summary }) => ({ value: name, description: summary })),
		);
	const command = await loadCommand(name);
	if (command === null) return [];
	return inCommand(command, rest, typed);
}

async function inCommand(root: Command, words: readonly string[], typed: string): Promise<Found> {
	let command = root;
	let position = 0;
	let pending: Option | null = null;
	for (const word of words) {
		const option = word.startsWith("-") ? optionNamed(command, word) : null;
		const child = command.commands.find((candidate) => candidate.name() === word);
		if (pending !== null) pending = null;
		else if (option !== null) pending = takesValue(option) && !word.includes("=") ? option : null;
		else if (child !== undefined) command = child;
		else if (!word.startsWith("-")) position++;
	}
	if (pending !== null) return valuesOf(pending, typed, words);
	const assigned = /^(--[^=]+)=(.*)$/.exec(typed);
	if (assigned !== null) return assignedValues(command, assigned, words);
	if (typed.startsWith("-")) return starting(typed, optionsOf(command));
	const children = command.commands
		.filter((child) => child.name() !== "help")
		.map((child) => ({ value: child.name(), description: child.summary() }));
	if (children.length > 0) return starting(typed, children);
	const argument = command.registeredArguments[position];
	if (argument === undefined) return [];
	if (argument.name() === "file") return FILES;
	if (argument.argChoices !== undefined) return starting(typed, plain(argument.argChoices));
	return starting(typed, await namesFor(nounOf(command, argument.name()), typed, words));
}

/** The noun that an argument names. `[name]` is that of an event type in its group. */
function nounOf(command: Command, argument: string): string {
	return argument === "name" && command.parent?.name() === "event-types" ? "event-type" : argument;
}

async function assignedValues(
	command: Command,
	[, flag = "", value = ""]: RegExpExecArray,
	words: readonly string[],
): Promise<Found> {
	const option = optionNamed(command, flag);
	const values = option === null ? [] : await valuesOf(option, value, words);
	return values === FILES
		? FILES
		: values.map(({ value, description }) => ({ value: `${flag}=${value}`, description }));
}

async function valuesOf(option: Option, typed: string, words: readonly string[]): Promise<Found> {
	if (option.argChoices !== undefined) return starting(typed, plain(option.argChoices));
	const known = (option.parseArg as Partial<ChoiceParser<string>> | undefined)?.values;
	if (known !== undefined) return nextOfList(typed, known);
	if (/<file>/.test(option.flags)) return FILES;
	return starting(typed, await namesFor(option.attributeName(), typed, words));
}

/** What could follow in a list such as `Failed,He`. */
function nextOfList(typed: string, known: readonly string[]): Candidate[] {
	const before = typed.slice(0, typed.lastIndexOf(",") + 1);
	return starting(typed, plain(known.map((value) => before + value)));
}

function optionNamed(command: Command, word: string): Option | null {
	const flag = word.replace(/=.*$/, "");
	return command.options.find(({ long, short }) => long === flag || short === flag) ?? null;
}

function takesValue({ required, optional }: Option): boolean {
	return required || optional;
}

function optionsOf(command: Command): Candidate[] {
	return [...command.options, new Option("--help", "Print this help.")]
		.filter(({ hidden }) => !hidden)
		.map(({ long, short, description }) => ({ value: long ?? short ?? "", description }));
}

function plain(values: readonly string[]): Candidate[] {
	return values.map((value) => ({ value, description: "" }));
}

function starting(typed: string, all: readonly Candidate[]): Candidate[] {
	return all.filter(({ value }) => value.startsWith(typed));
}

function oneLine(text: string): string {
	return text.replaceAll(/\s+/g, " ").slice(0, 100);
}
