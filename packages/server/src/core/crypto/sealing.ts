// Encryption at rest of what may never be read back: webhook secrets and header values. AES-256-GCM (NIST SP 800-38D).
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

export const MASTER_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 1;

/** Seals and opens small values under one master key. */
export interface Sealer {
	/** Encrypts; `context` (such as the owner's id) must be the same again for `open`, so that values can't be swapped. */
	seal(plain: Uint8Array, context: string): Uint8Array;
	/** Decrypts; throws if the key, the context or the bytes are not those of `seal`. */
	open(sealed: Uint8Array, context: string): Uint8Array;
	/** Tells keys apart without saying anything about them. */
	readonly fingerprint: string;
}

/**
 * A sealer under a master key of 32 bytes. Layout: version byte 1, nonce (12), tag (16), ciphertext.
 * Nonces are random: 2^32 values under one key stay far within the bound of SP 800-38D, section 8.3.
 */
export function createSealer(masterKey: Uint8Array): Sealer {
	if (masterKey.length !== MASTER_KEY_BYTES) {
		throw new RangeError(`a master key is ${MASTER_KEY_BYTES} bytes, got ${masterKey.length}`);
	}
	return {
		fingerprint: createHash("sha256").update("fanfare master key\0").update(masterKey).digest("hex").slice(0, 16),
		seal(plain, context) {
			const nonce = randomBytes(NONCE_BYTES);
			const cipher = createCipheriv("aes-256-gcm", masterKey, nonce, { authTagLength: TAG_BYTES });
			cipher.setAAD(Buffer.from(context));
			const body = Buffer.concat([cipher.update(plain), cipher.final()]);
			return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
		},
		open(sealed, context) {
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
