// Divides the descriptors of the process: connections that come in, connections to receivers, and everything else.
import { ALL_BUDGETS } from "../engine/live/stream-places.ts";

/** For the store's files, threads, the log, and what Node itself needs. A server that does nothing has some 40. */
const RESERVED = 96;
/** For the event loop of each thread that makes attempts or accepts requests. */
const RESERVED_PER_THREAD = 8;
const FEWEST = 16;

export interface DescriptorShares {
	/** The most connections of clients. */
	readonly maxConnections: number;
	/** The most connections to receivers. */
	readonly maxSockets: number;
	/** The most attempts in flight: each needs a connection. */
	readonly maxInFlight: number;
	/** The most live streams of programs, besides those of the page and of customers: each keeps a connection of a client. */
	readonly maxStreams: number;
}

/**
 * Half of what is not reserved is for clients, half for receivers, so that neither can take what the other needs. The
 * settings apply as far as there are descriptors. At most half of the connections of clients are streams, those of the page and of
 * customers included, so that connections are left for other requests. `limit` is null if it is not known.
 */
export function shareDescriptors(
	limit: number | null,
	settings: {
		readonly maxConnections: number;
		readonly maxInFlight: number;
		readonly maxStreams: number;
		readonly senderThreads: number;
		readonly acceptorThreads: number;
	},
): DescriptorShares {
	const { senderThreads, acceptorThreads } = settings;
	const reserved = RESERVED + (senderThreads + acceptorThreads) * RESERVED_PER_THREAD;
	const half = limit === null ? Infinity : Math.max(FEWEST, Math.floor((limit - reserved) / 2));
	const maxConnections = Math.min(half, settings.maxConnections);
	// The budgets of the page and of customers are rounded up.
	const mostStreams = Math.floor((maxConnections / 2 - 2) / ALL_BUDGETS);
	return {
		maxConnections,
		maxSockets: half,
		maxInFlight: Math.min(half, settings.maxInFlight),
		maxStreams: Math.min(mostStreams, settings.maxStreams),
	};
}
