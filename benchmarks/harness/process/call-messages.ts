// The messages between the benchmark and its child processes.

/** The calls that a child process serves, by name. Parameters and results are copied by structured clone. */
export type Calls<C> = { readonly [Name in keyof C]: (...parameters: never[]) => unknown };

export interface CallMessage {
	readonly id: number;
	readonly name: string;
	readonly parameters: readonly unknown[];
}

export interface ReplyMessage {
	readonly id: number;
	readonly result?: unknown;
	readonly error?: string;
}

/** Asks a server that counts the messages between its threads for their number so far. The answer is a number. */
export const HOW_MANY_MESSAGES = "how many messages";
/** Asks a server that watches its turns for the most CPU time of one since the last question, in microseconds. */
export const LONGEST_TURN = "longest turn";
