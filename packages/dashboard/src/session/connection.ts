// The connection of this browser to the server: the SDK's client, signing in and out, and whether the session still stands.
//
// The session is a cookie that scripts can't read and that all tabs share. The page knows only what it is told: that a call was refused,
// or that another tab has signed in or out.
import { AuthenticationError, Client, type Caller, type FetchLike, type SignIn } from "@fanfare/sdk";
import type { QueryClient } from "@tanstack/react-query";

import { showToast } from "../parts/feedback/show-toast.ts";
import { LostTries } from "../parts/form/edit/lost-tries.ts";
import { noteAnswer, noteNoAnswer } from "./reach.ts";
import {
	callerKey,
	forgetOtherKey,
	linkResultKey,
	refreshAll,
	sessionEndedKey,
	type LinkResult,
} from "./session-state.ts";

/** What a proxy responds if the server behind it is away. */
const GATEWAY_STATUSES = new Set([502, 504]);
const UNAUTHORIZED = 401;

/**
 * Everything that the page asks of the server goes through `client`.
 *
 * @example
 * await connection.signIn({ key });
 * const projects = await connection.client.listProjects();
 */
export class Connection {
	/** The server's address, with the path prefix of a proxy, if any. */
	readonly endpoint: URL;
	readonly client: Client;
	/** The tries to save headers whose end is not known. */
	readonly lostTries = new LostTries();
	readonly #queryClient: QueryClient;
	/** To the other tabs: that the session may be another one now. */
	readonly #tabs: BroadcastChannel;
	readonly #events = new EventTarget();
	/** Of a sign-in link, until it is used. */
	#link: string | null;
	#entering: Promise<void> | null = null;
	#checking: Promise<void> | null = null;

	/** @param link what follows `#link=` in the address, if the page was opened by a sign-in link */
	constructor(endpoint: URL, queryClient: QueryClient, link: string | null) {
		this.endpoint = endpoint;
		this.#queryClient = queryClient;
		this.#link = link;
		const fetch = this.lostTries.noting((url, init) => this.#fetch(url, init));
		// People would rather see a failure than wait for several tries.
		this.client = Client.inPage({ endpoint: endpoint.href, fetch, maxRetries: 1 });
		this.#tabs = new BroadcastChannel(`fanfare.session.${endpoint.pathname}`);
		this.#tabs.addEventListener("message", () => void this.check());
	}

	/** Whether somebody is signed in, as far as is known. Uses the sign-in link first. True if the server can't be asked. */
	async enter(): Promise<boolean> {
		this.#entering ??= this.#useLink();
		await this.#entering;
		if (this.#caller !== undefined) return true;
		try {
			this.#queryClient.setQueryData(callerKey, await this.client.getCaller());
			const link = this.#queryClient.getQueryData<LinkResult>(linkResultKey);
			// The session that was there before goes on.
			if (link?.error instanceof Error) showToast(this.#queryClient, link.error.message);
			return true;
		} catch (error) {
			return !(error instanceof AuthenticationError);
		}
	}

	/** Signs in with a key or a sign-in link. Rejects with an `AuthenticationError` if it is unknown. */
	async signIn(signIn: SignIn): Promise<Caller> {
		await this.client.sessions.signIn(signIn);
		const caller = await this.client.getCaller();
		this.#begin(caller);
		this.#tabs.postMessage("session");
		return caller;
	}

	/** Ends the session, or with `everywhere` all sessions of its key. The caller clears the query cache when no screen is shown any more. */
	async signOut(everywhere: boolean): Promise<void> {
		try {
			await this.client.sessions.signOut({ everywhere });
		} catch (error) {
			// It has ended already.
			if (!(error instanceof AuthenticationError)) throw error;
		}
		this.#queryClient.removeQueries({ queryKey: callerKey });
		this.#tabs.postMessage("session");
	}

	/** Calls back when somebody has signed in with another key than before. */
	onOther(listener: () => void): void {
		this.#events.addEventListener("other", listener);
	}

	/** Asks the server who is signed in. Calls at the same time share one request. */
	check(): Promise<void> {
		this.#checking ??= this.#check().finally(() => {
			this.#checking = null;
		});
		return this.#checking;
	}

	/** Resolves when somebody is signed in, or when the signal aborts. */
	async signedIn(signal: AbortSignal): Promise<void> {
		while (this.#hasEnded && !signal.aborted) {
			await new Promise<void>((resolve) => {
				this.#events.addEventListener("begun", () => resolve(), { once: true, signal });
				signal.addEventListener("abort", () => resolve(), { once: true });
			});
		}
	}

	get #hasEnded(): boolean {
		return this.#queryClient.getQueryData(sessionEndedKey) === true;
	}

	get #caller(): Caller | undefined {
		return this.#queryClient.getQueryData<Caller>(callerKey);
	}

	async #useLink(): Promise<void> {
		const link = this.#link;
		this.#link = null;
		if (link === null) return;
		const result: LinkResult = await this.signIn({ link }).then(
			({ name }) => {
				// Somebody may have been led to a link that is not theirs.
				showToast(this.#queryClient, `A link has signed you in with the key “${name}”`);
				return { error: null };
			},
			(error: unknown) => ({ error }),
		);
		this.#queryClient.setQueryData(linkResultKey, result);
	}

	async #check(): Promise<void> {
		if (this.#caller === undefined) return;
		try {
			this.#begin(await this.client.getCaller({ maxRetries: 0 }));
		} catch (error) {
			if (!(error instanceof AuthenticationError) || this.#hasEnded) return;
			this.#queryClient.setQueryData(sessionEndedKey, true);
			this.#tabs.postMessage("session");
		}
	}

	#begin(caller: Caller): void {
		const before = this.#caller;
		const hadEnded = this.#hasEnded;
		this.#queryClient.setQueryData(callerKey, caller);
		this.#queryClient.setQueryData(sessionEndedKey, false);
		if (before !== undefined && before.id !== caller.id) {
			forgetOtherKey(this.#queryClient);
			this.#events.dispatchEvent(new Event("other"));
		} else if (hadEnded) refreshAll(this.#queryClient);
		this.#events.dispatchEvent(new Event("begun"));
	}

	async #fetch(...[url, init]: Parameters<FetchLike>): ReturnType<FetchLike> {
		try {
			const response = await fetch(url, { ...init, credentials: "same-origin", cache: "no-store" });
			if (GATEWAY_STATUSES.has(response.status)) noteNoAnswer(this.#queryClient);
			else noteAnswer(this.#queryClient);
			if (response.status === UNAUTHORIZED && !url.endsWith("/sessions")) void this.check();
			return response;
		} catch (error) {
			if (!init.signal.aborted) noteNoAnswer(this.#queryClient);
			throw error;
		}
	}
}
