// The log: pino, JSON lines on standard output.
import { pino, type DestinationStream, type Logger } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger that writes to `destination`, by default standard output, without blocking on it. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
	const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
	return destination === undefined ? pino(options) : pino(options, destination);
}
