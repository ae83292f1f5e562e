// The logger: pino, writing JSON lines, or handing them to a logger of the program around. Levels are words: `"level":"warn"`.
import { pino, type DestinationStream, type Logger } from "pino";

import type { GivenLogger, LogLevel } from "../../ports/log.ts";
import { LogOutput } from "./log-output.ts";

/**
 * Text of others can have them, such as the name of an unknown field, and JSON leaves them as they are: control characters that
 * some terminals obey, and marks that turn around what follows.
 */
const OBEYED = /[\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;

/**
 * Creates a logger that writes to `destination`. If a `LogOutput` drops lines, their number is logged too. A given logger gets fields and
 * message as they are: an error is in `err`.
 */
export function createLogger(level: LogLevel, destination: DestinationStream | GivenLogger): Logger {
	if (!("write" in destination)) return handingOn(level, destination);
	const formatters = { level: (label: string) => ({ level: label }) };
	const hooks = { streamWrite: withoutObeyed };
	const logger = pino({ level, base: null, formatters, hooks, timestamp: pino.stdTimeFunctions.isoTime }, destination);
	if (destination instanceof LogOutput) {
		destination.onLoss = (lostLines) => logger.warn({ lostLines }, "log lines could not be written");
	}
	return logger;
}

/** The same JSON, with such characters escaped. They can be in texts only. */
function withoutObeyed(line: string): string {
	return line.replaceAll(OBEYED, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function handingOn(level: LogLevel, given: GivenLogger): Logger {
	const logMethod = (args: readonly unknown[], _method: unknown, number: number) => {
		const label = pino.levels.labels[number] as keyof GivenLogger | "trace";
		const [first, second] = args;
		const [fields, message] = typeof first === "object" && first !== null ? [first, second] : [{}, first];
		given[label === "trace" ? "debug" : label](fields, typeof message === "string" ? message : "");
	};
	return pino({ level, base: null, hooks: { logMethod } }, { write: () => {} });
}
