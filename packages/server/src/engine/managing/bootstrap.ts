import { generateSecretKey, isSecretKey, keyDigest, makeKey, sameDigest } from "../../core/crypto/key.ts";
import type { Sealer } from "../../core/crypto/sealing.ts";
// The first start of a store makes a workspace, a project and an admin key; each later start checks that the keys fit.
import { makeProjectId, makeWorkspaceId } from "../../core/ids.ts";
import type { Project, Workspace } from "../../core/workspace.ts";
import type { StoreIdentity } from "../../ports/store/lifecycle.ts";
import type { EngineParts } from "../parts.ts";

/** The store was sealed under another master key than the one given. */
export class MasterKeyError extends Error {
	override readonly name = "MasterKeyError";
}

/** What a first start has made and shows once. */
export interface FirstStart {
	readonly project: Project;
	/** The admin key; null if the operator set it. */
	readonly secretKey: string | null;
}

export interface Bootstrap {
	readonly workspace: Workspace;
	/** Null if the store was there already. */
	readonly firstStart: FirstStart | null;
}

/**
 * Prepares the store. `adminKey`, if given, is a key that administers the workspace afterwards, on first and later starts.
 * Throws `MasterKeyError` if the store belongs to another master key.
 */
export async function bootstrap(parts: EngineParts, adminKey: string | null): Promise<Bootstrap> {
	if (adminKey !== null && !isSecretKey(adminKey))
		throw new TypeError("an admin key is sk_ and 43 base64url characters");
	const identity = await parts.store.identity();
	if (identity === null) return firstStart(parts, adminKey);
	checkMasterKey(identity, parts.sealer);
	if (adminKey !== null) await ensureAdminKey(parts, adminKey);
	return { workspace: identity.workspace, firstStart: null };
}

/** Throws `MasterKeyError` if the store was encrypted under another key than the sealer's. */
export function checkMasterKey(identity: StoreIdentity | null, sealer: Sealer): void {
	if (identity === null || identity.masterKeyFingerprint === sealer.fingerprint) return;
	throw new MasterKeyError(
		`the master key (fingerprint ${sealer.fingerprint}) is not the one that this data is encrypted under (fingerprint ${identity.masterKeyFingerprint}): set FANFARE_MASTER_KEY to that key, or put its master.key file back into the data directory`,
	);
}

async function firstStart(parts: EngineParts, adminKey: string | null): Promise<Bootstrap> {
	const now = parts.clock.now();
	const workspace: Workspace = {
		id: makeWorkspaceId(),
		name: "My workspace",
		owner: "admin",
		tier: "self-hosted",
		createDate: now,
	};
	const project: Project = {
		id: makeProjectId(),
		workspaceId: workspace.id,
		name: "My project",
		eventTypes: "open",
		retentionDays: null,
		payloadRetentionDays: null,
		createDate: now,
	};
	const secretKey = adminKey ?? generateSecretKey();
	const input = { name: "First admin key", scope: "admin", projectId: null } as const;
	const key = makeKey(parts.ids.make("key", now), secretKey, input, now);
	await parts.store.initialize({ workspace, masterKeyFingerprint: parts.sealer.fingerprint }, project, key);
	return { workspace, firstStart: { project, secretKey: adminKey === null ? secretKey : null } };
}

async function ensureAdminKey(parts: EngineParts, adminKey: string): Promise<void> {
	const digest = keyDigest(adminKey);
	const known = (await parts.store.keys()).some((key) => sameDigest(key.digest, digest));
	if (known) return;
	const now = parts.clock.now();
	const input = { name: "FANFARE_ADMIN_KEY", scope: "admin", projectId: null } as const;
	await parts.store.insertKey(makeKey(parts.ids.make("key", now), adminKey, input, now));
}
