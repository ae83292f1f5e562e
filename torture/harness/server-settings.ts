// The settings of a round's server, before its fault changes them.
import type { Random } from "@fanfare/testkit/seeded-random";

const MAX_IN_FLIGHT = 64;

/** Settings as environment variables. One round in four has the fullest log. */
export function serverSettings(adminKey: string, random: Random): Record<string, string> {
	return {
		FANFARE_ADMIN_KEY: adminKey,
		FANFARE_ALLOW_NETWORKS: "127.0.0.1/32",
		FANFARE_LOG_LEVEL: random() < 0.25 ? "trace" : "info",
		FANFARE_MAX_IN_FLIGHT: String(MAX_IN_FLIGHT),
		FANFARE_MAX_IN_FLIGHT_PER_WEBHOOK: String(MAX_IN_FLIGHT / 4),
		FANFARE_SHUTDOWN_GRACE_MS: "10000",
	};
}
