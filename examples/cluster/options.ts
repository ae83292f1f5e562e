// The command line of `npm run cluster`.
import { parseArgs } from "node:util";

export interface ClusterExampleOptions {
	/** Events sent per second. */
	readonly rate: number;
	/** Harms each part in turn by itself, and then ends. */
	readonly drill: boolean;
	/** The names of the steps of the drill; empty for all. */
	readonly steps: readonly string[];
}

export const HELP = `Usage: npm run cluster -- [options]

Starts a whole installation of several processes on this machine: PostgreSQL
with a synchronous standby, three NATS nodes, a load balancer, two processes
that take calls and two that deliver. Events are sent all the time, and a
receiver counts them. Harm whatever you like; parts that end are started
again after three seconds, as a service manager would.

Type "help" while it runs, or use kill with the process ids that it prints.
It ends with Ctrl-C. Needs PostgreSQL (npm run postgres); without nats-server
(npm run nats) it runs without NATS, and deliveries take longer.

  --rate <n>     events per second, 1 to 200 (default 20)
  --drill        harm each part in turn, and end. The exit code is 0 only if
                 nothing was lost
  --step <name>  only this step of the drill; may be given several times
  --help         print this help
`;

/** An error in the command line. */
export class UsageError extends Error {
	override readonly name = "UsageError";
}

/** The options, or "help" if help was asked for. Throws a `UsageError`. */
export function readOptions(args: readonly string[], known: readonly string[]): ClusterExampleOptions | "help" {
	const { rate, drill = false, step = [], help = false } = parse(args);
	if (help) return "help";
	const unknown = step.find((name) => !known.includes(name));
	if (unknown !== undefined) throw new UsageError(`--step must be one of ${known.join(", ")}; got ${unknown}`);
	if (step.length > 0 && !drill) throw new UsageError("--step is for --drill");
	return { rate: rateOf(rate), drill, steps: step };
}

function rateOf(text = "20"): number {
	const rate = /^\d+$/.test(text) ? Number(text) : 0;
	if (rate >= 1 && rate <= 200) return rate;
	throw new UsageError(`--rate must be a whole number from 1 to 200, got ${JSON.stringify(text)}`);
}

function parse(args: readonly string[]) {
	try {
		return parseArgs({
			args: [...args],
			options: {
				rate: { type: "string" },
				drill: { type: "boolean" },
				step: { type: "string", multiple: true },
				help: { type: "boolean", short: "h" },
			},
		}).values;
	} catch (error) {
		throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
	}
}
