// What the server around the engine adds to the status of the workspace: its connections, its database, and warnings that follow from how it was
// started.
import type { ServerStatus } from "../api/deps.ts";
import type { Config } from "../config.ts";
import type { Warning } from "../engine/status-calls.ts";
import { full } from "../engine/status/workspace-status.ts";
import type { Profile } from "./profile.ts";

interface Found {
	/** The settings in force. */
	readonly config: () => Config;
	readonly profile: Pick<Profile, "warnings" | "database">;
	/** What the descriptors of the process allow. */
	readonly maxInFlight: number;
	readonly maxConnections: number;
}

/** Prepares the call. `connections` is how many are open. */
export function createServerStatus(found: Found, connections: () => number): () => Promise<ServerStatus> {
	return async () => {
		const { profile, maxConnections } = found;
		const database = (await profile.database?.()) ?? null;
		const limits = [{ name: "maxConnections", used: connections(), allowed: maxConnections }];
		return { limits, warnings: [...profile.warnings(), ...warningsOf(found), ...full(limits)], database };
	};
}

/** The settings are named, but not their values. */
function warningsOf({ config: inForce, maxInFlight }: Found): Warning[] {
	const config = inForce();
	const warnings: Warning[] = [];
	const add = (code: Warning["code"], message: string) => warnings.push({ code, message, projectId: null });
	if (maxInFlight < config.maxInFlight) {
		add(
			"descriptors_low",
			`The limit of open files allows only ${maxInFlight} attempts in flight, and ${config.maxInFlight} are set. Raise it.`,
		);
	}
	if (config.allowHttp) {
		add("http_allowed", "FANFARE_ALLOW_HTTP is set: webhooks can have endpoints without TLS. It is for development.");
	}
	if (config.allowNetworks.length > 0) {
		add("networks_allowed", "FANFARE_ALLOW_NETWORKS is set: webhooks can call addresses that are not public.");
	}
	if (config.allowHosts.length > 0) {
		add("hosts_allowed", "FANFARE_ALLOW_HOSTS is set: webhooks can call hosts whose addresses are not public.");
	}
	if (config.allowForCustomers) {
		add(
			"customers_allowed",
			"FANFARE_ALLOW_FOR_CUSTOMERS is set: what is allowed beyond public https addresses is allowed for customers' webhooks, too.",
		);
	}
	return warnings;
}
