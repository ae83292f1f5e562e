// The demo's command line.
import { parseArgs } from "node:util";

export interface DemoOptions {
	readonly events: number;
	readonly kills: number;
	/** The webhook's `maxRetries`. */
	readonly retries: number;
	readonly keep: boolean;
}

export const HELP = `Usage: npm run demo -- [options]

Starts Fanfare with an empty store, and a receiver that fails some requests.
Sends events through the SDK, kills the server with SIGKILL in the middle,
starts it again, and counts. The exit code is 0 only if nothing was lost and
every signature verified; otherwise it is 1, with a message.

  --events <n>   events to send, 1 to 100000 (default 1000)
  --kills <n>    number of SIGKILLs, 0 to 10 (default 1)
  --retries <n>  the webhook's maxRetries, 0 to 20 (default 10); with 0 the
                 receiver's failures are final, and the exit code must be 1
  --keep         leave the server running, and print its address, its key and
                 a link that opens the page; builds the page first
  --help         print this help
`;

/** An error in the command line. */
export class UsageError extends Error {
	override readonly name = "UsageError";
}

/** The options, or "help" if help was asked for. Throws a `UsageError`. */
export function readOptions(args: readonly string[]): DemoOptions | "help" {
	const { events, kills, retries, keep, help } = parse(args);
	if (help === true) return "help";
	return {
		events: wholeNumber("--events", events, 1, 100_000) ?? 1_000,
		kills: wholeNumber("--kills", kills, 0, 10) ?? 1,
		retries: wholeNumber("--retries", retries, 0, 20) ?? 10,
		keep: keep ?? false,
	};
}

function parse(args: readonly string[]) {
	try {
		return parseArgs({
			args: [...args],
			options: {
				events: { type: "string" },
				kills: { type: "string" },
				retries: { type: "string" },
				keep: { type: "boolean" },
				help: { type: "boolean", short: "h" },
			},
		}).values;
	} catch (error) {
		throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
	}
}

function wholeNumber(name: string, text: string | undefined, min: number, max: number): number | undefined {
	if (text === undefined) return undefined;
	const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
	if (value >= min && value <= max) return value;
	throw new UsageError(`${name} must be a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`);
}
