// client.sessions: people who are signed in to the page.
import { objectArgument } from "../../arguments.ts";
import type { RequestOptions, Transport } from "../../transport.ts";
import type * as wire from "../../wire/generated/types.ts";

/** Somebody who is signed in to the page. The browser keeps the session's token in a cookie, which scripts can't read. */
export interface Session {
	/** Such as `session_…`. It is no secret. */
	readonly id: string;
	/** Always `"session"`. */
	readonly object: "session";
	/** The key that the session acts with. */
	readonly keyId: string;
	/** When it began, in milliseconds since the epoch. */
	readonly createDate: number;
	/** When it ends at the latest, in milliseconds since the epoch. It ends earlier with its key, and with `signOut`. */
	readonly expireDate: number;
}

/** The credentials to sign in with: either a key or a link. */
export interface SignIn {
	/** A secret key, `sk_…`. */
	readonly key?: string | undefined;
	/** The token of a sign-in link, `sl_…`: the text after `#link=` in its address. It can be used once. */
	readonly link?: string | undefined;
}

/** Options of `sessions.signOut`. */
export interface SignOutOptions extends RequestOptions {
	/** Ends all sessions of the key, on all devices and of all people who use it. Defaults to false. */
	readonly everywhere?: boolean | undefined;
}

/** The sessions that have ended. */
export interface SessionsEnded {
	/** Always `"sessionsEnded"`. */
	readonly object: "sessionsEnded";
	/** How many there were. */
	readonly ended: number;
}

/** An address that signs somebody in to the page, once. */
export interface SignInLink {
	/** Such as `link_…`. It is no secret. */
	readonly id: string;
	/** Always `"signInLink"`. */
	readonly object: "signInLink";
	/** The key of the session that the link begins. */
	readonly keyId: string;
	/** The address to open in a browser. It is never returned again, and whoever has it can sign in. */
	readonly url: string;
	/** When it was made, in milliseconds since the epoch. */
	readonly createDate: number;
	/** Until when it can be used, in milliseconds since the epoch: 10 minutes at most. */
	readonly expireDate: number;
}

/** The sessions of the page. Use it as `client.sessions`. */
export class Sessions {
	readonly #transport: Transport;

	/** @internal */
	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/**
	 * Signs in with a key or a sign-in link, in a browser: the response sets the cookie of a session of 12 hours. Needs a client that
	 * was made with `Client.inPage`. Unlike other calls, it is not retried unless you set `maxRetries`: somebody waits for the answer.
	 *
	 * @example
	 * const client = Client.inPage({ endpoint: location.origin });
	 * await client.sessions.signIn({ key: "sk_…" });
	 */
	async signIn(signIn: SignIn, options?: RequestOptions): Promise<Session> {
		const body: wire.CreateSession = objectArgument("signIn", signIn, '{ key: "sk_…" }');
		const json = JSON.stringify(body);
		const request = { method: "POST", path: "/sessions", json, answer: "session", isConfidential: true } as const;
		return this.#transport.request<Session>(request, { ...options, maxRetries: options?.maxRetries ?? 0 });
	}

	/**
	 * Ends the session of the page or, with `everywhere`, all sessions of its key. A client with a key needs `everywhere`, since it has no
	 * session itself.
	 */
	async signOut(options: SignOutOptions = {}): Promise<SessionsEnded> {
		const { everywhere, ...rest } = options;
		const query = everywhere === undefined ? {} : { everywhere: String(everywhere) };
		const request = { method: "DELETE", path: "/sessions", query, answer: "sessionsEnded" } as const;
		return this.#transport.request<SessionsEnded>(request, rest);
	}

	/**
	 * Makes a link that signs somebody in to the page with this client's key, once, within 10 minutes. Retried only if the server has
	 * not started to process the call, because a second call makes a second link.
	 *
	 * @example
	 * const { url } = await client.sessions.createLink();
	 */
	async createLink(options?: RequestOptions): Promise<SignInLink> {
		return this.#transport.request<SignInLink>(
			{ method: "POST", path: "/sign-in-links", answer: "signInLink" },
			options,
		);
	}
}
