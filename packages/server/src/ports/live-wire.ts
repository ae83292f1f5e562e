// The part of the wire for live streams: tells clients at one process what happens in another one.
import type { EventCustomers } from "../core/access/customer.ts";
import type { LiveFact } from "../core/live.ts";

/** A fact on its way to the watchers of other processes. */
export interface SharedFact {
	/** The customer in whose feed it is; null for the feed of the whole project. */
	readonly customerId: string | null;
	/** The customers that it is about. */
	readonly customers: EventCustomers;
	readonly date: number;
	readonly fact: LiveFact;
}

/** Receives what others publish. Its methods return quickly and don't throw. */
export interface LiveWireListener {
	/** Another process has published this. Those of one process come in their order. */
	published(topic: string, fact: SharedFact): void;
	/** Facts of a topic (null: of any) were perhaps lost. */
	missed(topic: string | null): void;
}

/** A topic is a text that processes agree upon. What nobody watches elsewhere costs nothing. */
export interface LiveWire {
	/** The topics that other processes watch. It changes in place. */
	readonly watchedElsewhere: ReadonlySet<string>;
	/**
	 * Asks the others for the facts of a topic. Resolves when each of them publishes what happens from then on, or has lost its
	 * tenure. Never rejects: if that fails, it is tried again, and `missed` follows. May be called again.
	 */
	watch(topic: string): Promise<void>;
	/** The facts of a topic are not wanted any more. */
	unwatch(topic: string): void;
	/** Tells those who watch a topic. Returns at once. */
	publish(topic: string, fact: SharedFact): void;
	/** Registers who receives facts. Called once. */
	listen(listener: LiveWireListener): void;
}
