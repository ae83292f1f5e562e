// How addresses are read and written, for the routers of the page and of the portal.
import { parseSearchWith, stringifySearchWith } from "@tanstack/react-router";

/** Options of a router: every parameter is text, so that an address reads as a person would write it. */
export const textSearch = {
	// What a screen has not read is not there, also if the address has it.
	search: { strict: true },
	parseSearch: parseSearchWith((text) => text),
	stringifySearch: stringifySearchWith(String),
} as const;
