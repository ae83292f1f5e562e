// The planted bugs that `npm test` does not search for.
import { it } from "vitest";

import { expectFound } from "./test/simulate.ts";

it.each([
	["doubled-lease", 1],
	["stuck-after-pause", 12],
	// By several engines.
	["confirmed-unread", 1],
	["test-of-lost-tenure", 98],
	["doubt-unasked", 7],
	["second-burst", 5],
])("the planted bug %s is found", (name, from) => expectFound(name, from));
