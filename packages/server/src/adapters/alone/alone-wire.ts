// The wire of a process that runs alone: there is nobody to tell anything.
import type { Wire } from "../../ports/wire.ts";

/** Creates the wire. Every message counts as lost, and every other process, of which there is none, has every change. */
export function createAloneWire(): Wire {
	return {
		handsOff: false,
		handOff() {},
		tell: () => Promise.resolve("unreachable"),
		changed: () => Promise.resolve(),
		sessionsEnded: () => Promise.resolve(),
		catchUp: () => Promise.resolve(),
		listen() {},
		follow() {},
	};
}
