// The session of the customer in this tab: its token, whose it is, and its end.
//
// States, and how each is entered:
// - waiting: there is no token yet, and the page around the portal will send one.
// - none:    there is no token, and nobody who could send one.
// - opening: there is a token, and the server is asked whose it is.
// - away:    the server has not answered that. Left by `open`.
// - open:    the customer is known. `renewing` is true from the end of the token until the page around sends another one.
// - ended:   the server has refused the token. Left by `begin` with another one.
import { AuthenticationError, Client, type Caller, type FetchLike, type ProjectHandle } from "@fanfare/sdk";

import { forgetToken, keepToken } from "./token.ts";

const UNAUTHORIZED = 401;
/** How long the screen stays while the page around fetches another token. */
const RENEW_WITHIN_MS = 10_000;
/** No screen waits longer for the position of the stream. */
const POSITION_WITHIN_MS = 3_000;

export type SessionState =
	| { readonly kind: "waiting" | "none" | "opening" | "away" | "ended" }
	| {
			readonly kind: "open";
			readonly client: Client;
			readonly caller: Caller;
			/** Where the project's stream was before any screen has loaded something; undefined if that is unknown. */
			readonly position: string | undefined;
			readonly renewing: boolean;
	  };

interface PortalSessionParts {
	/** The server's address. */
	readonly endpoint: URL;
	/** Asks the page around for another token; null if there is no page around. */
	readonly askForToken: (() => void) | null;
	/** Whether the token is kept for a reload of the tab. */
	readonly isKept: boolean;
	/** A token is accepted. If it is of another customer than the one before, what was loaded for that one must go. */
	readonly onOpen: (isOtherCustomer: boolean) => void;
}

/**
 * @example
 * const session = new PortalSession({ endpoint, askForToken: null, isKept: true, onOpen: () => queryClient.clear() });
 * session.begin("ps_…");
 */
export class PortalSession {
	readonly #parts: PortalSessionParts;
	readonly #listeners = new Set<() => void>();
	#state: SessionState;
	#token: string | null = null;
	/** Whose data the tab shows. */
	#customer: string | null = null;
	#returnUrl: string | null = null;
	#giveUp: ReturnType<typeof setTimeout> | undefined;

	constructor(parts: PortalSessionParts) {
		this.#parts = parts;
		this.#state = { kind: parts.askForToken === null ? "none" : "waiting" };
	}

	readonly subscribe = (listener: () => void): (() => void) => {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	};

	readonly getState = (): SessionState => this.#state;

	/** Where the portal leads back to, also after the end. */
	get returnUrl(): string | null {
		return this.#returnUrl;
	}

	/** Uses a token from now on. The one that is used already changes nothing. */
	begin(token: string): void {
		if (token === this.#token && this.#state.kind !== "away") return;
		this.#token = token;
		// At once: the token is not in the address any more, so a reload before the server has answered would lose it.
		if (this.#parts.isKept) keepToken(token);
		// What somebody is typing stays, if the new token is of the same customer.
		if (this.#state.kind !== "open") this.#change({ kind: "opening" });
		void this.open();
	}

	/** Asks the server whose token it is. */
	async open(): Promise<void> {
		const token = this.#token;
		if (token === null) return;
		try {
			const client = this.#clientOf(token);
			const caller = await client.getCaller();
			const position = await positionOf(client, caller);
			if (token !== this.#token) return;
			clearTimeout(this.#giveUp);
			const customer = `${caller.projectId} ${caller.customerId}`;
			this.#parts.onOpen(customer !== this.#customer);
			this.#customer = customer;
			this.#returnUrl = caller.portalSession?.returnUrl ?? null;
			this.#change({ kind: "open", client, caller, position, renewing: false });
		} catch (error) {
			if (token !== this.#token) return;
			if (error instanceof AuthenticationError) this.#end(token);
			else this.#change({ kind: "away" });
		}
	}

	#clientOf(token: string): Client {
		const fetch: FetchLike = async (url, init) => {
			const response = await globalThis.fetch(url, { ...init, credentials: "omit", cache: "no-store" });
			if (response.status === UNAUTHORIZED) this.#end(token);
			return response;
		};
		// People would rather see a failure than wait for several tries.
		return new Client(token, { endpoint: this.#parts.endpoint.href, fetch, maxRetries: 1 });
	}

	/** The server refuses the token. */
	#end(token: string): void {
		if (token !== this.#token) return;
		const { askForToken, isKept } = this.#parts;
		const state = this.#state;
		this.#token = null;
		if (isKept) forgetToken();
		askForToken?.();
		if (askForToken === null || state.kind !== "open") return this.#change({ kind: "ended" });
		this.#change({ ...state, renewing: true });
		clearTimeout(this.#giveUp);
		this.#giveUp = setTimeout(() => {
			if (this.#token === null) this.#change({ kind: "ended" });
		}, RENEW_WITHIN_MS);
	}

	#change(state: SessionState): void {
		this.#state = state;
		for (const listener of this.#listeners) listener();
	}
}

/** Where the stream of the customer's project is. What a screen loads afterwards and the items from there on leave nothing out. */
async function positionOf(client: Client, { projectId }: Caller): Promise<string | undefined> {
	try {
		const signal = AbortSignal.timeout(POSITION_WITHIN_MS);
		return (await client.project(projectId ?? "").pollStream({}, { signal, maxRetries: 0 })).lastEventId;
	} catch {
		// The screens say themselves if the server is away.
		return undefined;
	}
}

/** The project of a session that is open. */
export function projectOf({ client, caller }: SessionState & { readonly kind: "open" }): ProjectHandle {
	return client.project(caller.projectId ?? "");
}
