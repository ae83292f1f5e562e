// The profile of a server that keeps its data in a PostgreSQL database, and shares the work with others on it.
import { hostname } from "node:os";

import type { Logger } from "pino";

import type { Nats } from "../adapters/nats/nats-wire.ts";
import { DatabaseWatch } from "../adapters/postgres/connection/database-watch.ts";
import { openPostgresCluster, type PostgresCluster } from "../adapters/postgres/members/cluster.ts";
import { openPostgres } from "../adapters/postgres/postgres-store.ts";
import { systemChance } from "../adapters/system/system-chance.ts";
import { systemClock } from "../adapters/system/system-clock.ts";
import { listReadsOf } from "../api/resources/list-bodies.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import type { Warning } from "../engine/status-calls.ts";
import { UNREACHABLE } from "../ports/database.ts";
import type { Profile } from "./profile.ts";
import { VERSION } from "./version.ts";

/** How often deliveries are looked for that other processes have committed. They wait half as long on average. */
const FIND_EVERY_MS = 400;
/** A store on PostgreSQL makes several claims of a project in one transaction, and of each only a part then. */
const CLAIMS = { maxClaims: 20, maxClaimBytes: 2 * 1_024 * 1_024 };

const NO_STANDBY: Warning = {
	code: "standby_missing",
	message:
		"No standby of the database is synchronous: an event that was accepted survives a crash of the database, and is lost with the disk of " +
		"its machine. Name a standby in synchronous_standby_names, unless the disk itself has copies, as with most managed databases.",
	projectId: null,
};

const NATS_AWAY: Warning = {
	code: "nats_away",
	message:
		"NATS can't be used: processes find each other's deliveries and changes by looking into the database, which takes some tenths of a " +
		"second. Nothing is lost. Check FANFARE_NATS_URL, the servers and the permissions of the user.",
	projectId: null,
};

/**
 * Prepares the profile. The settings have a database and a master key. `resources` closes the connections.
 *
 * @param clock for what is scheduled; connections are always timed by the system clock
 */
export function createClusterProfile(config: Config, clock: Clock, resources: AsyncDisposableStack): Profile {
	const { databaseUrl, masterKey, role, expectStandby } = config;
	if (databaseUrl === null || masterKey === null) throw new Error("a cluster needs a database and a master key");
	let watch: DatabaseWatch | null = null;
	let nats: Nats | null = null;
	let members: PostgresCluster | null = null;
	return {
		dataDir: null,
		async open({ logger, observer, port }) {
			const { store, database, schema } = await openPostgres({
				url: databaseUrl,
				clock: { ...systemClock, now: () => clock.now() },
				onConnectionChange(failure) {
					if (failure === null) logger.info("the database can be used again");
					else logger.error({ err: failure }, "the database can't be used: sends are refused until it can");
				},
			});
			resources.defer(() => store.close());
			if (schema.current > schema.known) {
				logger.warn(
					schema,
					"a newer version has changed the schema of the database: this version can work on it, and does",
				);
			}
			watch = new DatabaseWatch(database, systemClock, (durability) => {
				if (durability === "disk") logger.warn(NO_STANDBY.message);
				else logger.info("each commit of the database waits for a standby");
			});
			resources.defer(() => watch?.close());
			await watch.start();
			const storeDied = Promise.withResolvers<never>().promise;
			nats = await openNats(config, masterKey, logger);
			resources.defer(() => nats?.close());
			const cluster = openPostgresCluster({
				url: databaseUrl,
				clock: systemClock,
				chance: systemChance,
				observer,
				name: hostname(),
				port,
				version: VERSION,
				role,
				knownSchema: schema.known,
				messages: () => ({ pollMs: FIND_EVERY_MS, nats: nats?.counts() ?? null }),
				...(nats !== null && { signals: nats.signals }),
			});
			members = cluster;
			resources.defer(() => cluster.close());
			const { tenure, isMember: isCurrent } = cluster;
			const wire = nats?.wire(cluster.wire, cluster.memberId) ?? cluster.wire;
			nats?.start();
			const limits = { findEveryMs: FIND_EVERY_MS, ...CLAIMS, mayLoseAnswers: true };
			return {
				store,
				lists: listReadsOf(store),
				storeDied,
				masterKey,
				tenure,
				wire,
				membership: cluster,
				limits,
				isCurrent,
			};
		},
		keepAdminKey() {
			throw new Error(
				"the first start on a database needs an admin key: set FANFARE_ADMIN_KEY, such as to the output of " +
					"node -p \"'sk_' + crypto.randomBytes(32).toString('base64url')\", or start it once on a terminal, which shows a new key",
			);
		},
		warnings: () => [
			...(watch?.durability === "disk" ? [NO_STANDBY] : []),
			...(nats?.counts().isUp === false ? [NATS_AWAY] : []),
		],
		cluster: () => ({
			isMember: members?.isMember() ?? false,
			ownedShards: members?.tenure.shards()?.length ?? 0,
			isStandbySynchronous: watch?.durability !== "disk",
			isStandbyExpected: expectStandby,
			freeDuties: members?.freeDuties() ?? null,
			connections: watch?.last.connections ?? null,
			nats: nats?.counts() ?? null,
		}),
		database: () => watch?.facts() ?? Promise.resolve(UNREACHABLE),
	};
}

/** Connects to NATS, if it is set. A NATS that can't be reached is waited for, and nothing depends on it. */
async function openNats(config: Config, masterKey: Uint8Array, logger: Logger): Promise<Nats | null> {
	const { natsUrl: servers, natsCredentials: credentials, natsPrefix: prefix } = config;
	if (servers === null) return null;
	const { Nats } = await import("../adapters/nats/nats-wire.ts");
	return new Nats({
		servers,
		credentials,
		prefix,
		masterKey,
		name: `fanfare ${hostname()}`,
		clock: systemClock,
		changed(isUp, reason) {
			if (isUp) logger.info("NATS carries deliveries and changes between processes");
			else logger.warn({ err: reason }, NATS_AWAY.message);
		},
	});
}
