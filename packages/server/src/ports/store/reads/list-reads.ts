// Lists of the log that are read as the bodies of responses. A store that reads in threads of its own makes the bodies there: a page of 1,000
// rows takes the thread that answers everybody some 5 ms as objects, and less than 2 as bytes.
import type { Store } from "../store.ts";

/** What a caller may see of attempts. */
export interface AttemptView {
	/** The headers and the body of the response; without it, only whether there was one. */
	readonly content: boolean;
	/** Whole signatures and cookies, with which requests could be made. */
	readonly secrets: boolean;
}

/** The calls of the store whose pages are made into bodies. */
export type ListName = "deliveries" | "changedDeliveries" | "events" | "attempts" | "auditEntries";

/** What a list is asked for: what the store's call takes, and for attempts, what the caller may see. */
export type ListParameters<Name extends ListName> = [
	...call: Parameters<Store[Name]>,
	...view: Name extends "attempts" ? [view: AttemptView] : [],
];

/** Reads a page as the body of a response, JSON in UTF-8. Rejects as the store's call does. */
export type ListReads = {
	readonly [Name in ListName]: (...parameters: ListParameters<Name>) => Promise<string | Uint8Array<ArrayBuffer>>;
};

/** Makes a page that was read into the body of a response. It refuses nothing: what it throws is a mistake of the server. */
export type ListBodies = {
	readonly [Name in ListName]: (page: Awaited<ReturnType<Store[Name]>>, ...parameters: ListParameters<Name>) => string;
};

/** Reads a list in a thread that makes the body, too. The page as it is, if no such thread can be started. */
export type ReadBody = <Name extends ListName>(
	name: Name,
	parameters: ListParameters<Name>,
) => Promise<Uint8Array<ArrayBuffer> | { readonly page: Awaited<ReturnType<Store[Name]>> }>;
