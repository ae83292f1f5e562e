// What a fault is: one small file that does one bad thing to a server under load, and leaves it running.
import type { Round } from "./round.ts";

export interface Fault {
	/** As in `--fault NAME`. */
	readonly name: string;
	/** What it does, in a line. */
	readonly summary: string;
	/** How often it is drawn, set against the others' weights. */
	readonly weight: number;
	/** Why this machine can't play it; null if it can. Left out: every machine can. */
	readonly issue?: () => string | null;
	/** Before the first start: settings, a disk, a prepared data directory. */
	readonly prepare?: (round: Round) => void | Promise<void>;
	/** Between the first start and its being ready. */
	readonly whileStarting?: (round: Round) => Promise<void>;
	/** Before the load: more webhooks. */
	readonly setUp?: (round: Round) => Promise<void>;
	/** While the load runs. When it returns, the server serves. */
	readonly strike: (round: Round) => Promise<void>;
	/** After everything has drained: what only this fault knows. */
	readonly verify?: (round: Round) => Promise<void>;
}
