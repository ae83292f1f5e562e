// API keys: created, changed, deleted and authenticated here.
import type { AuditDraft } from "../../core/access/audit.ts";
import {
	DEFAULT_KEY_OVERLAP_MS,
	generateSecretKey,
	isExpired,
	isSecretKey,
	makeKey,
	overlapEndDate,
	rolledKey,
	secretEndDate,
	type ApiKey,
	type KeyInput,
} from "../../core/access/key.ts";
import type { KeyPrincipal } from "../../core/access/principal.ts";
import { SerialByKey } from "../../core/concurrency/serial-by-key.ts";
import { counted, FanfareError, invalidRequest } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { KeyUses } from "../background/key-uses.ts";
import type { Directory } from "../directory/directory.ts";
import type { Keys, NewKey, ShownKey } from "../key-calls.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import { auditEntry } from "./changes/audit-entries.ts";
import { retried, UNCHANGED } from "./changes/revisions.ts";
import { writeInProject } from "./changes/write-in-project.ts";

type Parts = Pick<PartsOn<DirectoryStore>, "store" | "clock" | "chance" | "ids" | "changeRates">;

type Limits = Pick<EngineLimits, "maxKeys">;

interface Neighbours {
	readonly directory: Directory;
	readonly uses: KeyUses;
}

/** The keys of the workspace and of all projects. */
export class KeyCalls implements Keys {
	readonly #parts: Parts;
	readonly #limits: Limits;
	readonly #directory: Directory;
	readonly #uses: KeyUses;
	readonly #changes = new SerialByKey();

	constructor(parts: Parts, limits: Limits, { directory, uses }: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#directory = directory;
		this.#uses = uses;
	}

	authenticate(secretKey: string): KeyPrincipal | null {
		if (!isSecretKey(secretKey)) return null;
		const found = this.#directory.keyOf(secretKey);
		if (found === null) return null;
		const { key, digest } = found;
		const now = this.#parts.clock.now();
		if (secretEndDate(key, digest) <= now) throw expired(isExpired(key, now));
		this.#uses.note(key.id);
		return { kind: "key", key, digest, session: null };
	}

	list(page: PageRequest): Page<ShownKey> {
		const newestFirst = this.#directory.keys().toSorted((a, b) => (a.id < b.id ? 1 : -1));
		const { cursor, limit } = page;
		const older = cursor === null ? newestFirst : newestFirst.filter(({ id }) => id < cursor.id);
		const newer = cursor === null ? [] : newestFirst.filter(({ id }) => id > cursor.id);
		const rows = cursor?.direction === "newer" ? newer.slice(-limit) : older.slice(0, limit);
		const [first, last] = [rows[0]?.id ?? cursor?.id, rows.at(-1)?.id ?? cursor?.id];
		return {
			rows: rows.map((key) => this.#shown(key)),
			hasNewer: first !== undefined && newestFirst.some(({ id }) => id > first),
			hasOlder: last !== undefined && newestFirst.some(({ id }) => id < last),
		};
	}

	get(keyId: string): ShownKey {
		return this.#shown(this.#known(keyId));
	}

	async create(input: KeyInput, audit: AuditDraft | null): Promise<NewKey> {
		const { projectId, expireDate = null } = input;
		if (projectId !== null) this.#directory.project(projectId);
		const now = this.#parts.clock.now();
		if (isExpired({ expireDate }, now)) {
			throw invalidRequest([{ path: "expireDate", message: `must be after the server's time, which is ${now} now` }]);
		}
		const secretKey = generateSecretKey(this.#parts.chance);
		const key = makeKey(this.#parts.ids.make("key", now), secretKey, input, now);
		const entry = auditEntry(this.#parts, audit, { objectId: key.id, projectId });
		const insert = () => this.#parts.store.insertKey(key, entry, this.#limits.maxKeys);
		const revision = await (projectId === null ? insert() : writeInProject(this.#directory, projectId, insert));
		if (revision === "full") throw tooMany(this.#limits.maxKeys);
		const stored = { ...key, revision };
		await this.#directory.putKey(stored);
		return { key: this.#shown(stored), secretKey };
	}

	async update(keyId: string, { name }: { readonly name?: string }, audit: AuditDraft | null): Promise<ShownKey> {
		return this.#change(keyId, audit, (key) => (name === undefined || name === key.name ? key : { ...key, name }));
	}

	async roll(keyId: string, overlapMs: number | null, audit: AuditDraft | null): Promise<NewKey> {
		const secretKey = generateSecretKey(this.#parts.chance);
		const key = await this.#change(keyId, audit, (known, now) => {
			if (isExpired(known, now)) {
				throw new FanfareError(
					"key_not_active",
					"This key has expired, so a new secret key is of no use. Create a new key.",
				);
			}
			return rolledKey(known, secretKey, overlapMs ?? DEFAULT_KEY_OVERLAP_MS, now);
		});
		return { key, secretKey };
	}

	async delete(keyId: string, audit: AuditDraft | null): Promise<void> {
		const key = this.#known(keyId);
		const entry = auditEntry(this.#parts, audit, { objectId: keyId, projectId: key.projectId });
		const outcome = await this.#parts.store.deleteKey(keyId, entry);
		switch (outcome) {
			case "not_found":
				throw notFound();
			case "last_admin":
				throw new FanfareError(
					"last_admin_key",
					"This is the last key that administers the workspace and does not expire. Create another such key first.",
				);
			default:
				await this.#directory.removeKey(key, outcome);
		}
	}

	/** Changes of one key run one after the other. The same record means that there is nothing to change. */
	#change(keyId: string, audit: AuditDraft | null, change: (key: ApiKey, now: number) => ApiKey): Promise<ShownKey> {
		const { clock, store } = this.#parts;
		const attempt = async (): Promise<ShownKey | typeof UNCHANGED> => {
			const key = this.#known(keyId);
			const next = change(key, clock.now());
			if (next === key) return this.#shown(key);
			const entry = auditEntry(this.#parts, audit, { objectId: keyId, projectId: key.projectId });
			const revision = await store.updateKey(next, { expected: key.revision, entry });
			if (revision === null) return UNCHANGED;
			await this.#directory.putKey({ ...next, revision });
			return this.#shown({ ...next, revision });
		};
		return this.#changes.run(keyId, () => retried(attempt, () => this.#refresh(keyId)));
	}

	/** Another process has changed the key, or deleted it. */
	async #refresh(keyId: string): Promise<void> {
		const { projectId } = this.#known(keyId);
		const directory = this.#directory;
		if (projectId === null) await directory.refresh("workspace", directory.workspace.id);
		else await directory.refresh("project", projectId);
	}

	#known(keyId: string): ApiKey {
		const key = this.#directory.key(keyId);
		if (key === undefined) throw notFound();
		return key;
	}

	#shown(key: ApiKey): ShownKey {
		const secretOverlapUntil = overlapEndDate(key, this.#parts.clock.now());
		return { ...key, lastUsedDate: this.#uses.of(key.id), secretOverlapUntil };
	}
}

function expired(isWholeKey: boolean): FanfareError {
	return new FanfareError(
		"expired_key",
		isWholeKey
			? "This key has expired. Create a new key."
			: "This secret key has been replaced by a newer one. Use the one that the roll of the key has returned.",
	);
}

function notFound(): FanfareError {
	return new FanfareError("key_not_found", "No such key. GET /workspace/keys lists them.");
}

function tooMany(maxKeys: number): FanfareError {
	return new FanfareError(
		"too_many_keys",
		`A workspace has at most ${counted(maxKeys, "key")}. Delete those that have expired or are not used, or raise FANFARE_MAX_KEYS.`,
	);
}
