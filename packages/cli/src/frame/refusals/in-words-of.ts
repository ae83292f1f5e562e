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
	const told = issues.map(({ path, message }) => {
		const field = fieldOf(path);
		const place = field === null ? null : placeOf(find, field);
		if (field === null || place === null) return { path, option: null, message };
		const text = place.inside + withUnits(withEntries(message, place.entry), field);
		return { path, option: place.name, message: withNames(find, text) };
	});
	const [first] = told;
	const begin = `${issues[0]?.path}: ${issues[0]?.message}`;
	if (first === undefined || first.option === null || !message.startsWith(begin)) return { ...failure, issues: told };
	return { ...failure, issues: told, message: `${first.option}: ${first.message}${message.slice(begin.length)}` };
}

/** Where something was typed. */
interface Place {
	/** Such as `--tag`. */
	readonly name: string;
	/** The place inside of it, which goes before a message: `entry 2 `. Empty for all of it. */
	readonly inside: string;
	/** What the entry at an index of the API's list is called. */
	readonly entry: (index: number) => string;
}

/** Null if it has no name. */
function placeOf(find: Finder, { names, inside, others }: Field): Place | null {
	const rest = others === null ? null : find([others]);
	const first = rest === null ? null : find(names.filter((name) => name !== others));
	if (rest === null || first === null) {
		const name = find(names);
		const entry = (index: number) => `entry ${index + 1}`;
		return name === null ? null : { name, inside: textOf(inside), entry };
	}
	const entry = (index: number) => (index === 0 ? first : `entry ${index}`);
	if (typeof inside !== "number") return { name: rest, inside: textOf(inside), entry };
	return inside === 1 ? { name: first, inside: "", entry } : { name: rest, inside: textOf(inside - 1), entry };
}

function textOf(inside: string | number | null): string {
	if (inside === null) return "";
	return typeof inside === "number" ? `entry ${inside} ` : `${JSON.stringify(inside)} `;
}

/** Other entries of the list that a message mentions, which the API counts from 0. */
function withEntries(message: string, entry: (index: number) => string): string {
	return message.replaceAll(/\bentry (\d+)\b/g, (_, index: string) => entry(Number(index)));
}

/** A message about a field, with its numbers in the units of the command. */
function withUnits(message: string, { unit }: Field): string {
	// These numbers count something else.
	const isAboutCount = /\bhave\b|\bentr|\bcharacter/.test(message);
	if (unit === null || isAboutCount) return message;
	if (unit === "duration") return message.replaceAll(/\b\d+\b/g, (digits) => typedDuration(Number(digits)));
	return message.replace("a whole number", "a time").replaceAll(/(?<![\w-])-?(?:0|\d{12,})\b(?!-)/g, timeText);
}

function timeText(digits: string): string {
	const date = new Date(Number(digits));
	return Number.isNaN(date.getTime()) ? digits : date.toISOString().replace(/T(00:00:00\.000|23:59:59\.999)Z$/, "");
}

/** Other fields that a message mentions, such as `updatedAfter`. */
function withNames(find: Finder, message: string): string {
	return message.replaceAll(/(?<!["\w])[a-z]+[A-Z]\w*(?!["\w])/g, (word) => find(fieldOf(word)?.names ?? []) ?? word);
}
