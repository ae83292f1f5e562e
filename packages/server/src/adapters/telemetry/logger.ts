// The log: pino, JSON lines on standard output.
import { pino, type DestinationStream, type Logger } from "pino";

import { LogOutput } from "./log-output.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger that writes to `destination`, and says there how many lines it had to leave out. */
export function createLogger(level: LogLevel, destination: DestinationStream): Logger {
	const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
	if (destination instanceof LogOutput) {
		destination.onLoss = (lostLines) => logger.warn({ lostLines }, "log lines could not be written");
	}
	return logger;
}
