// All API keys in memory, found by the digest of the secret key that was sent.
import { keyDigest, sameDigest, type ApiKey } from "../../core/access/key.ts";
import type { DirectoryListener } from "./directory-listener.ts";

/** A key that was found by one of its secret keys: the newest, or an earlier one. */
export interface FoundKey {
	readonly key: ApiKey;
	/** The digest of that one. */
	readonly digest: Uint8Array;
}

/** The part of the directory that has the keys. */
export class KeyTable {
	readonly #keys = new Map<string, ApiKey>();
	/** By the digest of each secret key, in hex. */
	readonly #byDigest = new Map<string, FoundKey>();
	readonly #listener: Pick<DirectoryListener, "keyChanged" | "keysDeleted">;

	constructor(listener: Pick<DirectoryListener, "keyChanged" | "keysDeleted">) {
		this.#listener = listener;
	}

	/** The key with this secret key, which may have expired; null if there is none. Takes the same time in both cases. */
	find(secretKey: string): FoundKey | null {
		const digest = keyDigest(secretKey);
		// The timing of the look-up reveals nothing useful, as nobody can choose the digest. The comparison takes constant
		// time.
		const found = this.#byDigest.get(hex(digest));
		return found !== undefined && sameDigest(found.digest, digest) ? found : null;
	}

	get(keyId: string): ApiKey | undefined {
		return this.#keys.get(keyId);
	}

	/** In no particular order. */
	all(): readonly ApiKey[] {
		return [...this.#keys.values()];
	}

	/** Adds a key, or replaces the one with its id. */
	put(key: ApiKey): void {
		const known = this.#keys.get(key.id);
		if (known !== undefined) this.#forgetDigests(known);
		this.#keys.set(key.id, key);
		for (const { digest } of key.olderSecrets) this.#putOlder({ key, digest });
		this.#byDigest.set(hex(key.digest), { key, digest: key.digest });
		if (known !== undefined && known.revision !== key.revision) this.#listener.keyChanged(key);
	}

	/** Removes the keys for which `which` returns true. The listener is told once, since it looks through all streams. */
	remove(which: (key: ApiKey) => boolean): void {
		const removed = this.all().filter(which);
		for (const key of removed) {
			this.#forgetDigests(key);
			this.#keys.delete(key.id);
		}
		if (removed.length > 0) this.#listener.keysDeleted(new Set(removed.map(({ id }) => id)));
	}

	/** Replaces the keys of a project, or those of the workspace for null. */
	replace(projectId: string | null, keys: readonly ApiKey[]): void {
		const ids = new Set(keys.map(({ id }) => id));
		this.remove((key) => key.projectId === projectId && !ids.has(key.id));
		for (const key of keys) this.put(key);
	}

	/** A key that has it now comes before one that had it earlier: the operator can set an admin key again. */
	#putOlder(found: FoundKey): void {
		const known = this.#byDigest.get(hex(found.digest));
		if (known === undefined || !sameDigest(known.key.digest, found.digest)) {
			this.#byDigest.set(hex(found.digest), found);
		}
	}

	#forgetDigests({ id, digest, olderSecrets }: ApiKey): void {
		for (const each of [digest, ...olderSecrets.map((older) => older.digest)]) {
			if (this.#byDigest.get(hex(each))?.key.id === id) this.#byDigest.delete(hex(each));
		}
	}
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}
