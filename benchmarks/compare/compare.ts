// `--compare REF`: measures the server of a git ref and that of the working tree in turn, with the same benchmark.
import { unpackRef, WORKING_TREE } from "@fanfare/testkit/programs/server-code";

import { newContext, type Surroundings } from "../context.ts";
import type { Measurements } from "../scenario.ts";

/** The measurements of one round, by scenario. */
export interface Pair {
	readonly old: Readonly<Record<string, Measurements>>;
	readonly new: Readonly<Record<string, Measurements>>;
}

type Side = keyof Pair;

/** In the order old, new, new, old, …, so that drift of the machine and effects of the run before affect both sides. */
export async function comparePairs(surroundings: Surroundings, ref: string): Promise<Pair[]> {
	const { options, parentDir, progress } = surroundings;
	const contexts = {
		old: newContext(surroundings, await unpackRef(ref, parentDir, "--compare")),
		new: newContext(surroundings, WORKING_TREE),
	};
	const pairs: Pair[] = [];
	for (let number = 1; number <= options.runs; number++) {
		const order: readonly Side[] = number % 2 === 1 ? ["old", "new"] : ["new", "old"];
		const pair: Record<Side, Record<string, Measurements>> = { old: {}, new: {} };
		for (const { name, run } of options.scenarios) {
			for (const side of order) {
				progress(`round ${number} of ${options.runs}: ${name}, ${side}`);
				pair[side][name] = await run(contexts[side]);
			}
		}
		pairs.push(pair);
	}
	return pairs;
}
