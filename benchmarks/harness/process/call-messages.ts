// What a parent and its child process say to each other.

/** What a child can be asked, by name. Results travel by structured clone. */
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
