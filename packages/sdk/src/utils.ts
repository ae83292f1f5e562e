// Helpers under the name that the Nexus SDK gives them.
import { encodeBase64 } from "./base64.ts";
import { SECRET_PREFIX } from "./verify.ts";

const SECRET_BYTES = 32;

/** Helper functions. */
export const utils = {
	/**
	 * Generates a webhook secret: `whsec_` and 32 bytes from the platform's secure random source in standard base64.
	 *
	 * @example
	 * utils.generateWebhookSecret(); // "whsec_HCK7CWdt83qYfstai9eRlu1Sbw3cZ1uQ1kQYcgofW/Q="
	 */
	generateWebhookSecret(): string {
		return SECRET_PREFIX + encodeBase64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
	},
} as const;
