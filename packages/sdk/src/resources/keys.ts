// client.keys: who may call Fanfare, and for what.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import { withPrefix } from "./project.ts";
import type { Deleted } from "./webhooks.ts";

/** Each scope includes those after it. */
export type KeyScope = "admin" | "write" | "read";

/** An API key, without the key itself. */
export interface Key {
	readonly id: string;
	readonly object: "key";
	readonly name: string;
	readonly scope: KeyScope;
	/** The one project that it opens; null: the whole workspace. */
	readonly projectId: string | null;
	/** The key's last four characters. */
	readonly hint: string;
	readonly createDate: number;
}

/** A key that was just made: the only time that it is shown. */
export interface CreatedKey extends Key {
	readonly secretKey: string;
}

export interface CreateKey {
	readonly name: string;
	readonly scope: KeyScope;
	/** Left out or null: the whole workspace. */
	readonly projectId?: string | null | undefined;
}

export class Keys {
	readonly #transport: Transport;

	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/**
	 * Makes a key. A second call makes a second, so this is repeated only where the server has refused to begin.
	 *
	 * @example
	 * const { secretKey } = await client.keys.create({ name: "checkout", scope: "write", projectId: project.id });
	 */
	async create(key: CreateKey, options?: RequestOptions): Promise<CreatedKey> {
		const projectId = typeof key.projectId === "string" ? withPrefix(key.projectId) : key.projectId;
		const json = JSON.stringify({ ...key, projectId });
		return this.#transport.request<CreatedKey>(
			{ method: "POST", path: "/workspace/keys", json, answer: "key" },
			options,
		);
	}

	/** The workspace's keys, newest first. */
	list(params: ListParams = {}, options?: RequestOptions): PagePromise<Key> {
		const { page, ...query } = params;
		return listOf(this.#transport, { path: "/workspace/keys", query: { ...query } }, page, options);
	}

	/** From then on the key opens nothing. */
	async delete(keyId: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: path`/workspace/keys/${keyId}`, answer: "deleted" },
			options,
		);
	}
}
