// API keys: created, deleted and authenticated here.
import { generateSecretKey, keyDigest, makeKey, sameDigest, type ApiKey, type Scope } from "../../core/crypto/key.ts";
import { FanfareError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { Keys, Projects } from "../calls.ts";
import type { LiveHub } from "../live/live-hub.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<DirectoryStore>, "store" | "clock" | "ids">;

/**
 * All keys, in memory by their digest. A change is written to the store first, and takes effect in memory once it is
 * stored.
 */
export class KeyCalls implements Keys {
	readonly #parts: Parts;
	readonly #projects: Pick<Projects, "get">;
	readonly #live: Pick<LiveHub, "keyDeleted">;
	/** By the digest, in hex. */
	readonly #byDigest = new Map<string, ApiKey>();

	constructor(
		parts: Parts,
		projects: Pick<Projects, "get">,
		keys: readonly ApiKey[],
		live: Pick<LiveHub, "keyDeleted">,
	) {
		this.#parts = parts;
		this.#projects = projects;
		this.#live = live;
		for (const key of keys) this.#add(key);
	}

	authenticate(secretKey: string): ApiKey | null {
		const digest = keyDigest(secretKey);
		// The timing of the look-up reveals nothing useful, as nobody can choose the digest. The comparison takes constant
		// time.
		const key = this.#byDigest.get(hex(digest));
		return key !== undefined && sameDigest(key.digest, digest) ? key : null;
	}

	list(page: PageRequest): Page<ApiKey> {
		const newestFirst = [...this.#byDigest.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
		const { cursor, limit } = page;
		const older = cursor === null ? newestFirst : newestFirst.filter(({ id }) => id < cursor.id);
		const newer = cursor === null ? [] : newestFirst.filter(({ id }) => id > cursor.id);
		const rows = cursor?.direction === "newer" ? newer.slice(-limit) : older.slice(0, limit);
		const [first, last] = [rows[0]?.id ?? cursor?.id, rows.at(-1)?.id ?? cursor?.id];
		return {
			rows,
			hasNewer: first !== undefined && newestFirst.some(({ id }) => id > first),
			hasOlder: last !== undefined && newestFirst.some(({ id }) => id < last),
		};
	}

	async create(input: { name: string; scope: Scope; projectId: string | null }) {
		if (input.projectId !== null) this.#projects.get(input.projectId);
		const secretKey = generateSecretKey();
		const now = this.#parts.clock.now();
		const key = makeKey(this.#parts.ids.make("key", now), secretKey, input, now);
		await this.#parts.store.insertKey(key);
		this.#add(key);
		return { key, secretKey };
	}

	async delete(keyId: string): Promise<void> {
		const outcome = await this.#parts.store.deleteKey(keyId);
		switch (outcome) {
			case "deleted":
				this.#forget((key) => key.id === keyId);
				this.#live.keyDeleted(keyId);
				return;
			case "not_found":
				throw new FanfareError("key_not_found", "No such key. GET /workspace/keys lists them.");
			case "last_admin":
				throw new FanfareError(
					"last_admin_key",
					"This is the last key that administers the workspace. Create another admin key first.",
				);
		}
	}

	/** Keys of a deleted project no longer authenticate. */
	forgetProject(projectId: string): void {
		this.#forget((key) => key.projectId === projectId);
	}

	#add(key: ApiKey): void {
		this.#byDigest.set(hex(key.digest), key);
	}

	#forget(which: (key: ApiKey) => boolean): void {
		for (const [digest, key] of this.#byDigest) if (which(key)) this.#byDigest.delete(digest);
	}
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}
