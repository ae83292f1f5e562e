// A process as one of several members that share a database: its tenure, its wire, and the list of all members.
//
// A member renews its tenure with each beat. It owns a shard from when it has set itself as the owner of a free one, which raises the
// shard's epoch, until it has given the shard up, or its tenure has ended. It counts its own tenure from before a beat, and as shorter
// than it is; others count from when they have seen the beat, and by the database's clock, too. So a member knows that it has lost
// its shards before anybody can take them, provided that the clocks of processes run about equally fast: steps of wall clocks, the
// database's included, don't matter. Only the begin of an attempt needs the tenure; outcomes are written whatever has happened since.
import type { Chance } from "../../../core/chance.ts";
import type { Clock } from "../../../core/clock.ts";
import type { MemberMessages, Membership } from "../../../ports/membership.ts";
import type { Observer } from "../../../ports/observer.ts";
import { NO_SIGNALS, type Signals } from "../../../ports/signals.ts";
import type { Duty, Tenure } from "../../../ports/tenure.ts";
import type { Wire } from "../../../ports/wire.ts";
import { Database } from "../connection/database.ts";
import { TELL_MS } from "../wire/note-sender.ts";
import { PostgresWire } from "../wire/postgres-wire.ts";
import { readMembers, type MemberFacts } from "./member-rows.ts";
import { PostgresTenure } from "./postgres-tenure.ts";
import { MARGIN_MS, TENURE_MS } from "./timing.ts";

/** A beat must not wait for its answer beyond the tenure. */
const TIMEOUT_MS = (TENURE_MS - MARGIN_MS) / 2;

export interface ClusterOptions extends MemberFacts {
	/** That of the store, which must be open: it has migrated the schema. */
	readonly url: string;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	readonly chance: Pick<Chance, "randomize">;
	readonly observer: Pick<Observer, "problem" | "note">;
	/** Make quick what members otherwise find by looking. Defaults to none. */
	readonly signals?: Signals;
	/** How long another may take to act upon a note to it alone, in milliseconds. Defaults to `TELL_MS`. */
	readonly tellMs?: number;
	/** What this process says of its messages with each beat. If omitted, it says nothing. */
	readonly messages?: () => MemberMessages;
}

export interface PostgresCluster extends Membership {
	readonly tenure: Tenure;
	readonly wire: Wire;
	/** The id of this process among the members, by which places name it; null if it has no tenure. */
	readonly memberId: () => string | null;
	/** By duty, whether nobody has it, as this process has heard last; null while it has no tenure. */
	readonly freeDuties: () => ReadonlyMap<Duty, boolean> | null;
	/** Closes the connections. Call it after the engine has stopped, which makes the tenure leave. */
	readonly close: () => Promise<void>;
}

/**
 * Prepares the membership of this process. It joins when the engine starts the tenure. It has connections of its own, three at most, so
 * that beats never wait for the store's calls; and two more while relays are used, so that they wait for nothing of relays.
 *
 * @example
 * const { store, schema } = await openPostgres({ url, clock });
 * const facts = { name: hostname(), port: 8787, version: VERSION, role: "all", knownSchema: schema.known } as const;
 * const cluster = openPostgresCluster({ url, clock, chance, observer, ...facts });
 * const { engine } = await openEngine({
 * 	parts: { store, tenure: cluster.tenure, wire: cluster.wire, membership: cluster, ...others },
 * 	limits: { findEveryMs: 400 },
 * 	userAgent,
 * });
 */
export function openPostgresCluster(options: ClusterOptions): PostgresCluster {
	const { url, clock, chance, observer, name, port, version, role, knownSchema } = options;
	const { signals = NO_SIGNALS, tellMs = TELL_MS, messages = () => null } = options;
	const database = new Database({
		url,
		clock,
		maxConnections: 1,
		connectTimeoutMs: TIMEOUT_MS,
		statementTimeoutMs: TIMEOUT_MS,
	});
	const relayDatabase = new Database({ url, clock, maxConnections: 1 });
	const wire = new PostgresWire({
		database,
		relayDatabase,
		clock,
		observer,
		signals,
		tellMs,
		member: () => tenure.id,
		isAlone: () => tenure.isAlone,
		isSilent: (member) => tenure.isSilent(member),
		caughtUp: () => tenure.caughtUp(),
	});
	const tenure: PostgresTenure = new PostgresTenure({
		database,
		clock,
		chance,
		observer,
		facts: { name, port, version, role, knownSchema },
		// Everything that was changed before this process was a member: nobody has waited for it.
		joined: () => wire.look(),
		accompanied: () => wire.hurry(),
		isCurrent: () => wire.isCurrent(),
	});
	wire.start();
	return {
		tenure,
		wire,
		memberId: () => tenure.id,
		freeDuties: () => tenure.freeDuties,
		role,
		isMember: () => wire.isCurrent(),
		deliverers: () => tenure.deliverers,
		members: () => readMembers(database, tenure.id, tenure.isSilent),
		report: (load) => tenure.report(() => ({ ...load(), messages: messages() })),
		async close() {
			await wire.stop();
			await Promise.all([database.close(), relayDatabase.close()]);
		},
	};
}
