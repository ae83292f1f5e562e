// The wire of a process that runs alone: there is nobody to tell anything.
import type { LiveWire } from "../../ports/live-wire.ts";
import type { RelayWire } from "../../ports/relay-wire.ts";
import type { Wire } from "../../ports/wire.ts";

const NOBODY_ELSE: LiveWire = {
	watchedElsewhere: new Set(),
	watch: () => Promise.resolve(),
	unwatch() {},
	publish() {},
	listen() {},
};

const NO_OTHER_CLIENTS: RelayWire = {
	isShared: false,
	isKnown: false,
	announce: () => Promise.resolve(null),
	withdraw: () => Promise.resolve(null),
	hold: () => Promise.resolve(),
	leave: () => Promise.resolve(),
	end: () => Promise.resolve(),
	answer: () => Promise.resolve(false),
	held: () => Promise.resolve(new Set()),
	sweep: () => Promise.resolve(),
	listen() {},
};

/** Creates the wire. Every message counts as lost, and every other process, of which there is none, has every change. */
export function createAloneWire(): Wire {
	return {
		handsOff: false,
		reaches: () => false,
		handOff() {},
		tell: () => Promise.resolve("unreachable"),
		tellAll: () => Promise.resolve("done"),
		changed: () => Promise.resolve(),
		made() {},
		sessionsEnded: () => Promise.resolve(),
		catchUp: () => Promise.resolve(),
		live: NOBODY_ELSE,
		relays: NO_OTHER_CLIENTS,
		listen() {},
		follow() {},
	};
}
