// How a help is laid out: descriptions beside their terms or, where there is no room, under them.
import { Help, type HelpConfiguration } from "commander";

/** Descriptions in a column that is narrower, or narrower than their terms, are put under them. */
const NARROWEST = 30;
const INDENT = 6;

/** For `configureHelp` of the program, from which its commands have it. */
export const HELP: HelpConfiguration = {
	minWidthToWrap: 10,
	formatItem(term, termWidth, description, helper) {
		const width = helper.helpWidth ?? 80;
		if (description === "" || width - termWidth - 4 >= Math.max(NARROWEST, termWidth)) {
			return Help.prototype.formatItem.call(helper, term, termWidth, description, helper);
		}
		const lines = helper.boxWrap(description, width - INDENT).split("\n");
		return [`  ${term}`, ...lines.map((line) => " ".repeat(INDENT) + line)].join("\n");
	},
};
