// Tells the refusals of the API in the words and units in which a command was typed: `--timeout: must be at most 30s, got 99s`.
import type { Command } from "commander";

import { typedDuration } from "../../text/times.ts";
import type { Failure } from "../failure.ts";
import { fieldOf, type Field } from "./field-names.ts";

/** Finds what one of these names is where it was typed, such as `--timeout`; null if there is none of them. */
export type Finder = (names: readonly string[]) => string | null;

/** The options and arguments of a command: those that were given, then the others. */
export function namesOfCommand(command: Command): Finder {
	const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
	const options = command.options.map((option) => ({
		name: option.long?.replace(/^--/, "") ?? "",
		isGiven: isGiven(option.attributeName()),
	}));
	const args = command.registeredArguments.map((argument) => argument.name());
	return (names) => {
		const given = names.find((name) => options.some((option) => option.isGiven && option.name === name));
		if (given !== undefined) return `--${given}`;
		const argument = names.find((name) => args.includes(name));
		if (argument !== undefined) return `<${argument}>`;
		const known = names.find((name) => options.some((option) => option.name === name));
		return known === undefined ? null : `--${known}`;
	};
}

/** The failure with the names that the caller has typed. What has no such name stays as the API says it. */
export function inWordsOf(find: Finder, failure: Failure): Failure {
	const { issues, message } = failure;
	const told = issues.map((issue) => {
		const field = fieldOf(issue.path);
		const name = field === null ? null : find(field.names);
		const text = withNames(find, field === null ? issue.message : sentenceOf(issue.message, field));
		return { path: issue.path, option: name, message: name === null ? issue.message : text };
	});
	const [first] = told;
	const begin = `${issues[0]?.path}: ${issues[0]?.message}`;
	if (first === undefined || first.option === null || !message.startsWith(begin)) return { ...failure, issues: told };
	return { ...failure, issues: told, message: `${first.option}: ${first.message}${message.slice(begin.length)}` };
}

/** A message about a field, with its numbers in the units of the command. */
function sentenceOf(message: string, { unit, inside }: Field): string {
	const place = inside === null ? "" : typeof inside === "number" ? `entry ${inside} ` : `${JSON.stringify(inside)} `;
	// These numbers count something else.
	const isAboutCount = /\bhave\b|\bentr|\bcharacter/.test(message);
	if (unit === null || isAboutCount) return place + message;
	if (unit === "duration") return place + message.replaceAll(/\b\d+\b/g, (digits) => typedDuration(Number(digits)));
	return place + message.replace("a whole number", "a time").replaceAll(/(?<![\w-])-?\d+\b(?!-)/g, timeText);
}

function timeText(digits: string): string {
	const date = new Date(Number(digits));
	return Number.isNaN(date.getTime()) ? digits : date.toISOString().replace(/T(00:00:00\.000|23:59:59\.999)Z$/, "");
}

/** Other fields that a message mentions, such as `updatedAfter`. */
function withNames(find: Finder, message: string): string {
	return message.replaceAll(/(?<!["\w])[a-z]+[A-Z]\w*(?!["\w])/g, (word) => find(fieldOf(word)?.names ?? []) ?? word);
}
