// client.keys: the API keys of the workspace.
import { milliseconds, objectArgument } from "../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import type { Capability, ShownPortalTheme } from "./portal-sessions.ts";
import { withPrefix } from "./project.ts";
import type { Deleted } from "./webhooks/webhook.ts";

/** The permissions of a key: `admin` includes `write`, and `write` includes `read`. */
export type KeyScope = "admin" | "write" | "read";

/** An API key, without the key itself. */
export interface Key {
	/** Such as `key_…`. It is no secret. */
	readonly id: string;
	/** Always `"key"`. */
	readonly object: "key";
	/** Its name. */
	readonly name: string;
	/** What it allows. */
	readonly scope: KeyScope;
	/** The only project that the key gives access to; null for the whole workspace. */
	readonly projectId: string | null;
	/** The key's last four characters. */
	readonly hint: string;
	/** When it was created, in milliseconds since the epoch. */
	readonly createDate: number;
	/** When it stops working, in milliseconds since the epoch; null if it never expires. */
	readonly expireDate: number | null;
	/** When it was used last, in milliseconds since the epoch, to the minute; null if it never was. */
	readonly lastUsedDate: number | null;
	/**
	 * Until when an earlier secret key is accepted beside the newest one, in milliseconds since the epoch; null if none is.
	 */
	readonly secretOverlapUntil: number | null;
}

/** A new key, or a key that was rolled. */
export interface CreatedKey extends Key {
	/** The key itself. Store it now: it is never returned again. */
	readonly secretKey: string;
}

/** A key to create. */
export interface CreateKey {
	/** 1–128 characters. */
	readonly name: string;
	/** What it allows. */
	readonly scope: KeyScope;
	/** Restricts the key to one project. If omitted or null, it gives access to the whole workspace. */
	readonly projectId?: string | null | undefined;
	/** When it stops working: a `Date`, or milliseconds since the epoch. If omitted or null, it never expires. */
	readonly expireDate?: Date | number | null | undefined;
}

/** Changes to a key. Omitted fields stay unchanged. */
export interface UpdateKey {
	/** 1–128 characters. */
	readonly name?: string | undefined;
}

/** Options of `keys.roll`. */
export interface RollKeyOptions extends RequestOptions {
	/**
	 * How long the earlier secret keys are accepted beside the new one, in milliseconds: 0 to 604,800,000 (7 days). 0 ends
	 * them at once. Defaults to 86,400,000 (a day).
	 */
	readonly overlapMs?: number | undefined;
}

/** The caller, as the server knows the client by its key or token. */
export interface Caller {
	/** Always `"caller"`. */
	readonly object: "caller";
	/** The kind of credentials: an API key, a session of the page, or a customer's token. */
	readonly kind: "key" | "session" | "customer";
	/** The id of the key, also in a session; null for a customer. */
	readonly id: string | null;
	/** The name of the key; null for a customer. */
	readonly name: string | null;
	/** The permissions of the key; null for a customer. */
	readonly scope: KeyScope | null;
	/** The only project that the caller has access to; null for the whole workspace. */
	readonly projectId: string | null;
	/** The only customer whose data the caller has access to; null for a key. */
	readonly customerId: string | null;
	/** The capabilities of the customer's token besides reading; null for a key. */
	readonly capabilities: readonly Capability[] | null;
	/** The session of the page; null for a client with a key or a token. */
	readonly sessionId: string | null;
	/**
	 * When what the client has stops working, in milliseconds since the epoch; null if it has no end. For the earlier secret
	 * key of a key that was rolled, that is the end of the overlap.
	 */
	readonly expireDate: number | null;
	/** The portal session whose token the client has, as the portal needs it; null for a key. */
	readonly portalSession: CallerPortalSession | null;
}

/** The session of the portal, as the portal needs it. */
export interface CallerPortalSession {
	/** The id of the session. */
	readonly id: string;
	/** The name that the product keeps for the customer; null if it keeps none. */
	readonly customerName: string | null;
	/** Who uses the session, in the product's own terms; null if it has not said. */
	readonly actor: string | null;
	/** Where the portal leads back to: an http or https URL. */
	readonly returnUrl: string | null;
	/** The look of the portal; null if it is the portal's own. */
	readonly theme: ShownPortalTheme | null;
	/** A BCP 47 language tag. */
	readonly locale: string | null;
}

/** The API keys. Use it as `client.keys`. Requires an admin key. */
export class Keys {
	readonly #transport: Transport;

	/** @internal */
	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/**
	 * Creates a key. Retried only if the server has not started to process the call, because a second call creates a
	 * second key.
	 *
	 * @example
	 * const { secretKey } = await client.keys.create({ name: "checkout", scope: "write", projectId: project.id });
	 */
	async create(key: CreateKey, options?: RequestOptions): Promise<CreatedKey> {
		objectArgument("key", key, '{ name: "checkout", scope: "write" }');
		const projectId = typeof key.projectId === "string" ? withPrefix(key.projectId) : key.projectId;
		const expireDate = key.expireDate === null ? null : milliseconds("expireDate", key.expireDate);
		const body: wire.CreateKey = { ...key, projectId, expireDate };
		const json = JSON.stringify(body);
		return this.#transport.request<CreatedKey>(
			{ method: "POST", path: "/workspace/keys", json, answer: "key" },
			options,
		);
	}

	/** Lists the workspace's keys, newest first. */
	list(params: ListParams = {}, options?: RequestOptions): PagePromise<Key> {
		const { page, ...query } = params;
		return listOf(this.#transport, { path: "/workspace/keys", query: { ...query } }, page, options);
	}

	/** Renames a key. */
	async update(keyId: string, changes: UpdateKey, options?: RequestOptions): Promise<Key> {
		const body: wire.UpdateKey = objectArgument("changes", changes, '{ name: "billing" }');
		return this.#transport.request<Key>(
			{ method: "PATCH", path: path`/workspace/keys/${keyId}`, json: JSON.stringify(body), answer: "key" },
			options,
		);
	}

	/**
	 * Gives a key a new secret key. The earlier one is accepted for a day more, or for `overlapMs`. Retried only if the server has not
	 * started to process the call, because a second call makes another one.
	 *
	 * @example
	 * const { secretKey } = await client.keys.roll(key.id, { overlapMs: 3_600_000 });
	 */
	async roll(keyId: string, options: RollKeyOptions = {}): Promise<CreatedKey> {
		const { overlapMs, ...rest } = options;
		const body: wire.RollKey = { overlapMs };
		return this.#transport.request<CreatedKey>(
			{ method: "POST", path: `${path`/workspace/keys/${keyId}`}:roll`, json: JSON.stringify(body), answer: "key" },
			rest,
		);
	}

	/** Deletes a key. It stops working immediately. */
	async delete(keyId: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: path`/workspace/keys/${keyId}`, answer: "deleted" },
			options,
		);
	}
}
