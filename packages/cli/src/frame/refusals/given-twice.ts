// Refuses an option that is given twice: commander takes the last one in silence, and the first may have been meant.
import { EventEmitter } from "node:events";

import { Option, type Command } from "commander";

import { parseList } from "../values.ts";

const COLLECTING = new WeakSet<Option>();

/** An option that may be given several times. Its parser gets what it has made of those before. */
export function collecting<T>(flags: string, description: string, parse: (text: string, earlier?: T) => T): Option {
	const option = new Option(flags, description).argParser(parse);
	COLLECTING.add(option);
	return option;
}

/** Makes a command refuse a second value of an option, except where the option collects its values. */
export function refuseSecondValues(command: Command): void {
	// It is one, which its types do not say.
	if (!(command instanceof EventEmitter)) throw new Error("commands have no listeners any more");
	for (const option of command.options) {
		const takesOne = (option.required || option.optional) && !option.variadic && !COLLECTING.has(option);
		if (!takesOne) continue;
		// Before commander's own listener, which takes the value.
		command.prependListener(`option:${option.name()}`, () => {
			if (command.getOptionValueSource(option.attributeName()) !== "cli") return;
			const more = isList(option.parseArg) ? ": give all its values at once, with commas between them" : "";
			command.error(`error: option '${option.flags}' is given twice${more}`);
		});
	}
}

/** A list of known words has them with its parser. */
function isList(parse: unknown): boolean {
	return parse === parseList || (typeof parse === "function" && "values" in parse);
}
