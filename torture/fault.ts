// A fault: one small file that does one kind of harm to a server under load, and leaves the server running.
import type { ProfileName } from "./harness/stores/round-data.ts";
import type { Round } from "./round.ts";

export interface Fault {
	/** The name for `--fault NAME`. */
	readonly name: string;
	/** What it does, in one line. */
	readonly summary: string;
	/** How often it is drawn, in proportion to the weights of the others. */
	readonly weight: number;
	/** On what the server runs when it can be played. Omitted: on each profile with one process. */
	readonly profiles?: readonly ProfileName[];
	/** Why this machine can't play it; null if it can. Omitted: every machine can. */
	readonly issue?: () => string | null;
	/** Runs before the first start: changes settings, mounts a disk, prepares a data directory. */
	readonly prepare?: (round: Round) => void | Promise<void>;
	/** Runs after the first start, until the server is ready. */
	readonly whileStarting?: (round: Round) => Promise<void>;
	/** Runs before the load: adds webhooks. */
	readonly setUp?: (round: Round) => Promise<void>;
	/** Runs while the load runs. When it returns, the server must be serving. */
	readonly strike: (round: Round) => Promise<void>;
	/** Runs after all deliveries have ended: checks what only this fault knows. */
	readonly verify?: (round: Round) => Promise<void>;
}
