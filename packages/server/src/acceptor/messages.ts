// The messages between the main thread and the thread that accepts requests. Each side reads them in the order in which they were sent.
import type { LinkMessage } from "./links.ts";

/** In the place of a status: the connection of the request is closed without a response. */
export const NO_RESPONSE = 0;

/** What the thread is started with. */
export interface AcceptorData {
	readonly host: string;
	/** 0 chooses a free port. */
	readonly port: number;
	readonly maxConnections: number;
	/** Where the thread writes how many connections are open, as a 32-bit integer. */
	readonly connections: SharedArrayBuffer;
}

/** The thread opens a link for each connection of a client whose requests it passes on to the main thread's own server. */
export interface OfLinks {
	readonly kind: "link";
	readonly message: LinkMessage;
}

export type FromAcceptor =
	| { readonly kind: "listening"; readonly port: number }
	/** It can't listen. `code` is the one of the system's error. */
	| { readonly kind: "notListening"; readonly code: string | null; readonly message: string }
	| SendGroup
	| OfLinks
	/** A connection was closed because there are too many. */
	| { readonly kind: "refused" }
	/** A request could not be read as HTTP: the thread waits for what to answer. */
	| {
			readonly kind: "unreadable";
			readonly id: number;
			readonly code: string | null;
			readonly remoteAddress: string | null;
	  }
	/** A connection was closed on which too many requests waited for their responses. */
	| { readonly kind: "dropped"; readonly openRequests: number; readonly remoteAddress: string | null }
	/** All connections are closed. */
	| { readonly kind: "closed" };

/** The plain sends of one turn of the event loop, packed by `SendPacker`. */
export interface SendGroup {
	readonly kind: "sends";
	readonly values: readonly unknown[];
	/** The bodies, one after another. */
	readonly bodies: ArrayBuffer;
}

export type ToAcceptor =
	/** Plain sends are answered from now on. Until then, they go to the main thread's own server, too. */
	| { readonly kind: "takesSends" }
	/** The responses of one turn of the event loop, packed by `ResponsePacker`. */
	| { readonly kind: "responses"; readonly values: readonly unknown[] }
	/** The bytes that answer a request that could not be read. */
	| { readonly kind: "refusal"; readonly id: number; readonly text: string }
	| OfLinks
	| { readonly kind: "close" };
