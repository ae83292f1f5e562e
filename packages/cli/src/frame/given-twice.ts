// Refuses an option that is given twice: commander takes the last one in silence, and the first may have been meant.
import { EventEmitter } from "node:events";

import type { Command } from "commander";

import { collectEntries, parseList } from "./values.ts";

/** Makes a command and those in it refuse a second value of an option, except where the option collects its values. */
export function refuseSecondValues(command: Command): void {
	// It is one, which its types do not say.
	if (!(command instanceof EventEmitter)) throw new Error("commands have no listeners any more");
	for (const option of command.options) {
		const takesOne = (option.required || option.optional) && !option.variadic && option.parseArg !== collectEntries;
		if (!takesOne) continue;
		// Before commander's own listener, which takes the value.
		command.prependListener(`option:${option.name()}`, () => {
			if (command.getOptionValueSource(option.attributeName()) !== "cli") return;
			const more = isList(option.parseArg) ? ": give all its values at once, with commas between them" : "";
			command.error(`error: option '${option.flags}' is given twice${more}`);
		});
	}
	for (const each of command.commands) refuseSecondValues(each);
}

/** A list of known words has them with its parser. */
function isList(parse: unknown): boolean {
	return parse === parseList || (typeof parse === "function" && "values" in parse);
}
