// project.portalSessions: tokens with which customers use the portal.
import { objectArgument } from "../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type { Deleted } from "./webhooks/webhook.ts";

/** A permission that the token of a portal session can have besides reading. */
export type Capability = "webhooks.write" | "secrets.rotate" | "payloads.read" | "deliveries.retry" | "replay";

/** The look of the portal. What is omitted or null is the portal's own. */
export interface PortalTheme {
	/** The colour of buttons and links: `#rgb` or `#rrggbb`. */
	readonly accent?: string | null | undefined;
	/** The colour behind everything: `#rgb` or `#rrggbb`. */
	readonly background?: string | null | undefined;
	/** The rounding of corners in pixels, 0–32. */
	readonly radius?: number | null | undefined;
	/** The name of one font family that the customer's device has, such as `Inter`. */
	readonly font?: string | null | undefined;
	/** Light or dark colours; `auto` follows the customer's device. */
	readonly scheme?: "light" | "dark" | "auto" | null | undefined;
}

/** The look of the portal, with null for each value that is the portal's own. */
export interface ShownPortalTheme {
	/** The colour of buttons and links. */
	readonly accent: string | null;
	/** The colour behind everything. */
	readonly background: string | null;
	/** In pixels. */
	readonly radius: number | null;
	/** The font family. */
	readonly font: string | null;
	/** Light or dark colours; `auto` follows the customer's device. */
	readonly scheme: "light" | "dark" | "auto" | null;
}

/** A portal session, without its token. */
export interface PortalSession {
	/** Such as `portal_…`. It is no secret. */
	readonly id: string;
	/** Always `"portalSession"`. */
	readonly object: "portalSession";
	/** The project that it belongs to. */
	readonly projectId: string;
	/** The customer whose session it is. */
	readonly customerId: string;
	/** The key that made it. The session does not end with this key. */
	readonly keyId: string | null;
	/** The permissions of its token besides reading. */
	readonly capabilities: readonly Capability[];
	/** Who uses it, in your own terms; null if you have not said so. */
	readonly actor: string | null;
	/** Where the portal leads back to; null for nowhere. */
	readonly returnUrl: string | null;
	/** The look of the portal; null if it is the portal's own. */
	readonly theme: ShownPortalTheme | null;
	/** The language of the portal, by BCP 47; null for the browser's. */
	readonly locale: string | null;
	/** In milliseconds since the epoch. */
	readonly createDate: number;
	/** When it ends, in milliseconds since the epoch. It can be revoked earlier. */
	readonly expireDate: number;
}

/** A new portal session. */
export interface CreatedPortalSession extends PortalSession {
	/** The token, such as `ps_…`: never returned again. `new Client(token)` is a client for the customer, in Node and in browsers. */
	readonly token: string;
	/** The portal, with the token in the fragment: lead the customer there. Whoever has this URL can use the session. */
	readonly url: string;
}

/** A portal session to create. */
export interface CreatePortalSession {
	/** The customer, who need not have a webhook yet. */
	readonly customerId: string;
	/** The permissions of the session besides reading. Defaults to none. */
	readonly capabilities?: readonly Capability[] | null | undefined;
	/** How long it is valid, in milliseconds: from a minute to 7 days. Defaults to 3,600,000 (an hour). */
	readonly expiresInMs?: number | null | undefined;
	/** Where the portal leads back to: an http or https URL. */
	readonly returnUrl?: string | null | undefined;
	/** The look of the portal. Defaults to the portal's own. */
	readonly theme?: PortalTheme | null | undefined;
	/** The language of the portal: a BCP 47 tag such as `de` or `pt-BR`. */
	readonly locale?: string | null | undefined;
	/** Who uses the session, in your own terms, such as `ada@example.com`: in the audit log with each change made with its token. */
	readonly actor?: string | null | undefined;
}

/** Filters for portal sessions. All are optional. */
export interface PortalSessionFilter extends ListParams {
	/** Only those of this customer. */
	readonly customerId?: string | undefined;
}

/** Which portal sessions to revoke: those that match all fields. At least one is needed. */
export interface RevokePortalSessions {
	/** Only sessions of this customer. */
	readonly customerId?: string | undefined;
	/** Only sessions that this key has made. */
	readonly keyId?: string | undefined;
}

/** How many portal sessions have ended. */
export interface PortalSessionsRevoked {
	/** Always `"portalSessionsRevoked"`. */
	readonly object: "portalSessionsRevoked";
	/** The number of sessions that were valid until now. */
	readonly count: number;
}

/** The portal sessions of a project. Use it as `project.portalSessions`, with a key, on your server. */
export class PortalSessions {
	readonly #transport: Transport;
	readonly #projectId: string;

	/** @internal */
	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Makes a session for one customer. Of more than 100 that a customer has, the one that would expire first ends. Retried only
	 * if the server has not started to process the call.
	 *
	 * @example
	 * const { url } = await project.portalSessions.create({ customerId: "acme", capabilities: ["webhooks.write"] });
	 * response.redirect(url);
	 */
	async create(session: CreatePortalSession, options?: RequestOptions): Promise<CreatedPortalSession> {
		const json = JSON.stringify(objectArgument("session", session, '{ customerId: "acme" }'));
		const request = { method: "POST", path: this.#path(), json, answer: "portalSession" } as const;
		return this.#transport.request<CreatedPortalSession>(request, options);
	}

	/** Lists the sessions that are valid, newest first, without their tokens. */
	list(params: PortalSessionFilter = {}, options?: RequestOptions): PagePromise<PortalSession> {
		const { page, ...query } = params;
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	/** Fetches one session that is valid. */
	async get(id: string, options?: RequestOptions): Promise<PortalSession> {
		const request = { method: "GET", path: `${this.#path()}${path`/${id}`}`, answer: "portalSession" } as const;
		return this.#transport.request<PortalSession>(request, options);
	}

	/** Revokes one session. Its token stops working immediately. */
	async revoke(id: string, options?: RequestOptions): Promise<Deleted> {
		const request = { method: "DELETE", path: `${this.#path()}${path`/${id}`}`, answer: "deleted" } as const;
		return this.#transport.request<Deleted>(request, options);
	}

	/**
	 * Revokes all sessions of a customer, or all that a key has made: they do not end with the key.
	 *
	 * @example
	 * await project.portalSessions.revokeAll({ customerId: "acme" });
	 */
	async revokeAll(which: RevokePortalSessions, options?: RequestOptions): Promise<PortalSessionsRevoked> {
		const request = {
			method: "DELETE",
			path: this.#path(),
			query: { ...which },
			answer: "portalSessionsRevoked",
		} as const;
		return this.#transport.request<PortalSessionsRevoked>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/portal-sessions`;
	}
}
