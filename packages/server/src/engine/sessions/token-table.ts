// What is found by a token, in memory: sessions, or sign-in links.
import { keyDigest } from "../../core/access/key.ts";

/** Something with a token, which belongs to a key. */
export interface TokenOwner {
	readonly id: string;
	readonly keyId: string;
	/** SHA-256 of the token. */
	readonly digest: Uint8Array;
	/** It is valid before this time. */
	readonly expireDate: number;
}

/**
 * About half a kilobyte for each. What has expired stays until `forgetExpired` has come by it, but is never found.
 */
export class TokenTable<T extends TokenOwner> {
	/** By the digest in hex. */
	readonly #byDigest = new Map<string, T>();
	readonly #byId = new Map<string, T>();
	readonly #byKey = new Map<string, Set<T>>();
	/** Where `forgetExpired` goes on. */
	#rest: Iterator<T> | null = null;

	/**
	 * What has this token, if it is valid at this time; null otherwise. The timing of the look-up reveals nothing useful, as nobody
	 * can choose the digest.
	 */
	find(token: string, now: number): T | null {
		const found = this.#byDigest.get(hex(keyDigest(token)));
		return found !== undefined && now < found.expireDate ? found : null;
	}

	has(id: string): boolean {
		return this.#byId.has(id);
	}

	/** The valid ones of a key, those that expire first before the others. */
	ofKey(keyId: string, now: number): T[] {
		const all = [...(this.#byKey.get(keyId) ?? [])];
		return all.filter(({ expireDate }) => now < expireDate).sort((a, b) => a.expireDate - b.expireDate);
	}

	/** Adds what is not known yet. */
	add(owner: T): void {
		if (this.#byId.has(owner.id)) return;
		this.#byDigest.set(hex(owner.digest), owner);
		this.#byId.set(owner.id, owner);
		const ofKey = this.#byKey.get(owner.keyId);
		if (ofKey === undefined) this.#byKey.set(owner.keyId, new Set([owner]));
		else ofKey.add(owner);
	}

	/** Forgets those with these ids, as far as they are known. */
	remove(ids: Iterable<string>): void {
		for (const id of ids) {
			const owner = this.#byId.get(id);
			if (owner !== undefined) this.#forget(owner);
		}
	}

	/** Forgets those of a key. */
	removeKey(keyId: string): void {
		for (const owner of this.#byKey.get(keyId) ?? []) this.#forget(owner);
	}

	/**
	 * Looks at the next `limit`, and forgets those that have expired. Returns whether it has come to the end; the next call begins
	 * anew then.
	 */
	forgetExpired(now: number, limit: number): boolean {
		this.#rest ??= this.#byId.values();
		for (let looked = 0; looked < limit; looked++) {
			const { done, value } = this.#rest.next();
			if (done === true) {
				this.#rest = null;
				return true;
			}
			if (now >= value.expireDate) this.#forget(value);
		}
		return false;
	}

	#forget(owner: T): void {
		this.#byId.delete(owner.id);
		this.#byDigest.delete(hex(owner.digest));
		const ofKey = this.#byKey.get(owner.keyId);
		ofKey?.delete(owner);
		if (ofKey?.size === 0) this.#byKey.delete(owner.keyId);
	}
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
