// What the parts of a run of the server must know of it: whether it still goes on, and how to act only while it does.

/** How a run ended. `forced`: the stop did not wait for all attempts in flight. */
export type RunEndKind = "died" | "stopped" | "forced";

export interface RunScope {
	/** Counts the runs of a history from 0. */
	readonly number: number;
	/** False once it has ended. */
	readonly alive: boolean;
	/** The time that the engine goes by: when the wall clock is set back, it goes on, a little slower. */
	now(): number;
	/** Calls `act` after this time if the run has not ended; 0 means in the next turn. The returned function cancels it. */
	later(ms: number, act: () => void): () => void;
	/** Acts at once; if the process stands still, when it goes on. Does nothing if the run has ended. */
	act(act: () => void): void;
	/** Like `later`, for what happens outside of the process: that goes on while the process stands still. */
	outside(ms: number, act: () => void): void;
	/** Whether the process can't reach its store at the moment. */
	readonly isCut: boolean;
	/** Ends the run. Does nothing if it has ended. */
	end(how: RunEndKind): void;
}
