// Counts what a sender has open. Senders in several threads have one limit of sockets together.

/** What is open. The sender writes the numbers. */
export interface Usage {
	/** Sockets that are connecting or open. */
	sockets: number;
	/** Pools of connections. */
	pools: number;
	/** The sockets of all senders of the process. */
	readonly allSockets: number;
	/** Asks the other senders to close this many idle connections. */
	makeRoomElsewhere(count: number): void;
}

/** The usage of a sender that is the only one. */
export class OwnUsage implements Usage {
	sockets = 0;
	pools = 0;

	get allSockets(): number {
		return this.sockets;
	}

	makeRoomElsewhere(): void {}
}
