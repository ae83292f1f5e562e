// API keys: created, deleted and authenticated here.
import type { AuditDraft } from "../../core/access/audit.ts";
import { generateSecretKey, makeKey, type ApiKey, type KeyScope } from "../../core/access/key.ts";
import type { Principal } from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { Keys } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import type { PartsOn } from "../parts.ts";
import { auditEntry } from "./audit-entries.ts";

type Parts = Pick<PartsOn<DirectoryStore>, "store" | "clock" | "chance" | "ids">;

/** The keys of the workspace and of all projects. */
export class KeyCalls implements Keys {
	readonly #parts: Parts;
	readonly #directory: Directory;

	constructor(parts: Parts, directory: Directory) {
		this.#parts = parts;
		this.#directory = directory;
	}

	authenticate(secretKey: string): Principal | null {
		const key = this.#directory.keyOf(secretKey);
		return key === null ? null : { kind: "key", key };
	}

	list(page: PageRequest): Page<ApiKey> {
		const newestFirst = this.#directory.keys().toSorted((a, b) => (a.id < b.id ? 1 : -1));
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

	async create(input: { name: string; scope: KeyScope; projectId: string | null }, audit: AuditDraft | null) {
		const { projectId } = input;
		if (projectId !== null) this.#directory.project(projectId);
		const secretKey = generateSecretKey(this.#parts.chance);
		const now = this.#parts.clock.now();
		const key = makeKey(this.#parts.ids.make("key", now), secretKey, input, now);
		const entry = auditEntry(this.#parts, audit, { objectId: key.id, projectId });
		await this.#directory.addKey(key, await this.#parts.store.insertKey(key, entry));
		return { key, secretKey };
	}

	async delete(keyId: string, audit: AuditDraft | null): Promise<void> {
		const key = this.#directory.keys().find(({ id }) => id === keyId);
		if (key === undefined) throw notFound();
		const entry = auditEntry(this.#parts, audit, { objectId: keyId, projectId: key.projectId });
		const outcome = await this.#parts.store.deleteKey(keyId, entry);
		switch (outcome) {
			case "not_found":
				throw notFound();
			case "last_admin":
				throw new FanfareError(
					"last_admin_key",
					"This is the last key that administers the workspace. Create another admin key first.",
				);
			default:
				await this.#directory.removeKey(key, outcome);
		}
	}
}

function notFound(): FanfareError {
	return new FanfareError("key_not_found", "No such key. GET /workspace/keys lists them.");
}
