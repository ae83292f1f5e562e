// New keys and secrets for programs that run Fanfare, from the system's chance.
import { systemChance } from "../adapters/system/system-chance.ts";
import { generateSecretKey as secretKeyFrom } from "../core/access/key.ts";
import { generateSecret as secretFrom } from "../core/crypto/signing.ts";

/** A new API key: `sk_` and 43 base64url characters (256 random bits). */
export function generateSecretKey(): string {
	return secretKeyFrom(systemChance);
}

/** A new secret of a webhook: `whsec_` and the standard base64 of 32 random bytes. */
export function generateSecret(): string {
	return secretFrom(systemChance);
}
