// client.keys: the API keys of the workspace.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import { withPrefix } from "./project.ts";
import type { Deleted } from "./webhooks.ts";

/** The permissions of a key: `admin` includes `write`, and `write` includes `read`. */
export type KeyScope = "admin" | "write" | "read";

/** An API key, without the key itself. */
export interface Key {
	readonly id: string;
	readonly object: "key";
	readonly name: string;
	readonly scope: KeyScope;
	/** The only project that the key gives access to; null for the whole workspace. */
	readonly projectId: string | null;
	/** The key's last four characters. */
	readonly hint: string;
	readonly createDate: number;
}

/** A new key. */
export interface CreatedKey extends Key {
	/** The key itself. Store it now: it is never returned again. */
	readonly secretKey: string;
}

/** A key to create. */
export interface CreateKey {
	readonly name: string;
	readonly scope: KeyScope;
	/** Restricts the key to one project. If omitted or null, it gives access to the whole workspace. */
	readonly projectId?: string | null | undefined;
}

/** The API keys. Use it as `client.keys`. Requires an admin key. */
export class Keys {
	readonly #transport: Transport;

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
		const projectId = typeof key.projectId === "string" ? withPrefix(key.projectId) : key.projectId;
		const body: wire.CreateKey = { ...key, projectId };
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

	/** Deletes a key. It stops working immediately. */
	async delete(keyId: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: path`/workspace/keys/${keyId}`, answer: "deleted" },
			options,
		);
	}
}
