// Encryption at rest of webhook secrets and header values, which are write-only: AES-256-GCM (NIST SP 800-38D).
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";

import { randomBytes, type Chance } from "../chance.ts";

export const MASTER_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 1;

/** Seals (encrypts) and unseals (decrypts) small values under one master key. */
export interface Sealer {
	/**
	 * Encrypts. `unseal` needs the same `context`, such as the id of the owner, so that sealed values can't be swapped.
	 */
	seal(plain: Uint8Array, context: string): Uint8Array;
	/** Decrypts. Throws if the key, the context or the bytes are not those of `seal`. */
	unseal(sealed: Uint8Array, context: string): Uint8Array;
	/** The `masterKeyFingerprint` of its key. */
	readonly fingerprint: string;
}

/** 16 hex digits that differ between master keys and reveal nothing about them. */
export function masterKeyFingerprint(masterKey: Uint8Array): string {
	return createHash("sha256").update("fanfare master key\0").update(masterKey).digest("hex").slice(0, 16);
}

/**
 * Creates a sealer with a master key of 32 bytes; throws a `RangeError` for any other length. A sealed value is the
 * version byte 1, the nonce (12 bytes), the tag (16 bytes) and the ciphertext. Nonces are random: SP 800-38D, section
 * 8.3, allows 2^32 values under one key. A nonce must never repeat under a key, so `chance` must be the system's where
 * secrets are real.
 */
export function createSealer(masterKey: Uint8Array, chance: Pick<Chance, "randomize">): Sealer {
	if (masterKey.length !== MASTER_KEY_BYTES) {
		throw new RangeError(`a master key is ${MASTER_KEY_BYTES} bytes, got ${masterKey.length}`);
	}
	return {
		fingerprint: masterKeyFingerprint(masterKey),
		seal(plain, context) {
			const nonce = randomBytes(chance, NONCE_BYTES);
			const cipher = createCipheriv("aes-256-gcm", masterKey, nonce, { authTagLength: TAG_BYTES });
			cipher.setAAD(Buffer.from(context));
			const body = Buffer.concat([cipher.update(plain), cipher.final()]);
			return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
		},
		unseal(sealed, context) {
			if (sealed[0] !== VERSION || sealed.length < 1 + NONCE_BYTES + TAG_BYTES) {
				throw new Error("a sealed value has an unknown format");
			}
			const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
			const tag = sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
			const decipher = createDecipheriv("aes-256-gcm", masterKey, nonce, { authTagLength: TAG_BYTES });
			decipher.setAAD(Buffer.from(context));
			decipher.setAuthTag(tag);
			return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES + TAG_BYTES)), decipher.final()]);
		},
	};
}
