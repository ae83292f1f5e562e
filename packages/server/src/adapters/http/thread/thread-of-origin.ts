// Which thread makes an attempt: always the same one for a project and an origin, so that their connections are in one pool.
import { LRUCache } from "lru-cache";

/** Endpoints whose origin's hash is remembered. Most are strings that the directory has anyway. */
const MAX_ENDPOINTS = 4_096;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Distributes projects and origins over threads. */
export class ThreadOfOrigin {
	readonly #threads: number;
	readonly #hashes = new LRUCache<string, number>({ max: MAX_ENDPOINTS });

	/** @param threads how many there are, at least one */
	constructor(threads: number) {
		this.#threads = threads;
	}

	/** The thread's index, from 0. A text that is not a URL has one, too. */
	indexOf(projectId: string, url: string): number {
		if (this.#threads === 1) return 0;
		let hash = this.#hashes.get(url);
		if (hash === undefined) {
			hash = hashOf(URL.parse(url)?.origin ?? url);
			this.#hashes.set(url, hash);
		}
		return mixed(hash ^ hashOf(projectId)) % this.#threads;
	}
}

/** FNV-1a. */
function hashOf(text: string): number {
	let hash = FNV_OFFSET;
	for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
	return hash;
}

/** Spreads what differs in a few bits over all of them: the last step of MurmurHash3. */
function mixed(hash: number): number {
	let mix = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
	return (mix ^ (mix >>> 16)) >>> 0;
}
