// Small helpers of the Nexus shape.
import { encodeBase64 } from "./base64.ts";

const SECRET_BYTES = 32;

export const utils = {
	/**
	 * A new webhook secret from the platform's secure random source: standard base64 of 32 bytes. Fanfare and `verify`
	 * take it as it is, or with the prefix `whsec_`.
	 *
	 * @example
	 * utils.generateWebhookSecret(); // "HCK7CWdt83qYfstai9eRlu1Sbw3cZ1uQ1kQYcgofW/Q="
	 */
	generateWebhookSecret(): string {
		return encodeBase64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
	},
} as const;
