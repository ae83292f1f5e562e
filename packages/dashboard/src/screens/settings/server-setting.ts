// What applies where a project has set nothing, in words.
import type { ServerSettings } from "@fanfare/sdk";

import { count, counted } from "../../parts/text/format.ts";
import { byteCount } from "./byte-count.ts";
import type { Limit } from "./project-query.ts";

const DAYS = (days: number) => counted(days, "day");
/** What each value means. 0 means something else for some limits: see `ZERO`. */
const WORDS: Partial<Record<Limit, (value: number) => string>> = {
	retentionDays: DAYS,
	payloadRetentionDays: DAYS,
	maxStoredBytes: byteCount,
};
const ZERO: Partial<Record<Limit, string>> = {
	retentionDays: "For ever",
	payloadRetentionDays: "With the event",
	maxEventsPerSecond: "No quota",
	maxStoredBytes: "No quota",
};

/**
 * The value of the server's setting, and that it is the server's. `server` is undefined until it is known.
 *
 * @example
 * serverSetting("retentionDays", usage.serverSettings); // 30 days (the server's setting)
 */
export function serverSetting(limit: Limit, server: ServerSettings | undefined): string {
	if (server === undefined) return "The server's setting";
	const value = server[limit];
	const zero = value === 0 ? ZERO[limit] : undefined;
	return `${zero ?? (WORDS[limit] ?? count)(value)} (the server's setting)`;
}
