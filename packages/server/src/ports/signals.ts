// The port for short messages between the processes that share a store. They save waiting: everything that they say is in the store.

/**
 * - look: the store has something new for others.
 * - answered: somebody has acted upon that.
 * - relays: the store has a new request to a relay, the end of one, or a relay whose client has come or gone.
 */
export type Signal = "look" | "answered" | "relays";

export interface Signals {
	/** Whether signals come through at the moment, as far as this process has heard. They may be lost all the same. */
	readonly isUp: boolean;
	/** Tells all other processes. Those of one turn are sent once. Returns at once. */
	send(signal: Signal): void;
	/** Registers who is told. Called once. `heard` returns quickly and does not throw. */
	listen(heard: (signal: Signal) => void): void;
}

/** There are no signals. */
export const NO_SIGNALS: Signals = { isUp: false, send() {}, listen() {} };
