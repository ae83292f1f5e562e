// The logger: pino, writing JSON lines. Levels are words: `"level":"warn"`.
import { pino, type DestinationStream, type Logger } from "pino";

import type { LogLevel } from "../../ports/log.ts";
import { LogOutput } from "./log-output.ts";

/** Creates a logger that writes to `destination`. If a `LogOutput` drops lines, their number is logged too. */
export function createLogger(level: LogLevel, destination: DestinationStream): Logger {
	const formatters = { level: (label: string) => ({ level: label }) };
	const logger = pino({ level, base: null, formatters, timestamp: pino.stdTimeFunctions.isoTime }, destination);
	if (destination instanceof LogOutput) {
		destination.onLoss = (lostLines) => logger.warn({ lostLines }, "log lines could not be written");
	}
	return logger;
}
