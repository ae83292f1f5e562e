// Prepares a store at each start: the first creates a workspace, a project and an admin key; later ones check the
// master key.
import { generateSecretKey, isExpired, isSecretKey, keyDigest, makeKey, sameDigest } from "../../core/access/key.ts";
import type { Sealer } from "../../core/crypto/sealing.ts";
import { makeProjectId, makeWorkspaceId } from "../../core/ids.ts";
import { NO_CUSTOMER_LIMITS } from "../../core/policies/customer-limits.ts";
import { FIRST_VERSION, type Project, type Workspace } from "../../core/workspace.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { LifecycleStore, StoreIdentity } from "../../ports/store/lifecycle.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<LifecycleStore & DirectoryStore>, "store" | "clock" | "chance" | "ids" | "sealer">;

/** The data in the store is encrypted with another master key than the given one. */
export class MasterKeyError extends Error {
	override readonly name = "MasterKeyError";
}

/** What a caller can do with a key that a first start generates. */
export type KeepKey = (secretKey: string) => void;

/** What the first start has created. Shown once. */
export interface FirstStart {
	readonly project: Project;
	/** The admin key; null if the operator has set it. */
	readonly secretKey: string | null;
}

export interface Bootstrap {
	readonly workspace: Workspace;
	/** Null if the store was not empty. */
	readonly firstStart: FirstStart | null;
}

/**
 * Prepares the store. If `adminKey` is given, it is an admin key of the workspace from then on, at the first start and
 * at later ones. Throws a `TypeError` if `adminKey` has the wrong form, and `MasterKeyError` if the store is encrypted
 * with another master key.
 *
 * A generated key is given to `keep` before its hash is stored: if `keep` throws, or if the process ends meanwhile, the
 * store stays empty, and nobody misses a key that nobody has.
 */
export async function bootstrap(parts: Parts, adminKey: string | null, keep: KeepKey = () => {}): Promise<Bootstrap> {
	if (adminKey !== null && !isSecretKey(adminKey)) {
		throw new TypeError("an admin key must be sk_ followed by 43 base64url characters");
	}
	const identity = await parts.store.identity();
	if (identity === null) {
		const first = await firstStart(parts, adminKey, keep);
		return first ?? bootstrap(parts, adminKey, keep);
	}
	checkMasterKey(identity, parts.sealer);
	const newestId = await parts.store.newestId();
	if (newestId !== null) parts.ids.continueAfter(newestId);
	if (adminKey !== null) await ensureAdminKey(parts, adminKey);
	return { workspace: identity.workspace, firstStart: null };
}

/**
 * Throws `MasterKeyError` if the store is encrypted with another key than the sealer's. A store without an identity is
 * empty.
 */
export function checkMasterKey(identity: StoreIdentity | null, sealer: Sealer): void {
	if (identity === null || identity.masterKeyFingerprint === sealer.fingerprint) return;
	throw new MasterKeyError(
		`the master key (fingerprint ${sealer.fingerprint}) is not the one that this data is encrypted under (fingerprint ${identity.masterKeyFingerprint}): set FANFARE_MASTER_KEY to that key, or put its master.key file back into the data directory`,
	);
}

/** Null if another process has made the first start meanwhile. */
async function firstStart(parts: Parts, adminKey: string | null, keep: KeepKey): Promise<Bootstrap | null> {
	const now = parts.clock.now();
	const workspace: Workspace = {
		id: makeWorkspaceId(parts.chance),
		name: "My workspace",
		owner: "admin",
		tier: "self-hosted",
		createDate: now,
	};
	const project: Project = {
		id: makeProjectId(parts.chance),
		workspaceId: workspace.id,
		name: "My project",
		eventTypes: "open",
		retentionDays: null,
		payloadRetentionDays: null,
		maxEventsPerSecond: null,
		maxStoredBytes: null,
		...NO_CUSTOMER_LIMITS,
		createDate: now,
		revision: FIRST_VERSION,
	};
	const secretKey = adminKey ?? generateSecretKey(parts.chance);
	const input = { name: "First admin key", scope: "admin", projectId: null } as const;
	const key = makeKey(parts.ids.make("key", now), secretKey, input, now);
	if (adminKey === null) keep(secretKey);
	const identity = { workspace, masterKeyFingerprint: parts.sealer.fingerprint };
	if (!(await isWritten(parts.store.initialize(identity, project, key)))) return null;
	return { workspace, firstStart: { project, secretKey: adminKey === null ? secretKey : null } };
}

async function ensureAdminKey(parts: Parts, adminKey: string): Promise<void> {
	const digest = keyDigest(adminKey);
	const now = parts.clock.now();
	const known = (await parts.store.keys()).find((key) => sameDigest(key.digest, digest));
	if (known !== undefined && !isExpired(known, now)) return;
	// The operator wants this key although it has expired: the new one does not expire.
	if (known !== undefined) await parts.store.deleteKey(known.id, null);
	const input = { name: "FANFARE_ADMIN_KEY", scope: "admin", projectId: null } as const;
	// A process that starts at the same time may have written it.
	await isWritten(parts.store.insertKey(makeKey(parts.ids.make("key", now), adminKey, input, now), null));
}

/** False if another process has written the same. */
async function isWritten(written: Promise<unknown>): Promise<boolean> {
	try {
		await written;
		return true;
	} catch (error) {
		if (error instanceof StoreError && error.code === "store_conflict") return false;
		throw error;
	}
}
