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
