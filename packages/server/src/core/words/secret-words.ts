// Finds keys, tokens and secrets in texts that people put them into by mistake, so that no message and no log line repeats them.
import { HIDDEN_VALUE } from "../webhook.ts";

/** A key, a token or a secret, also if it is incomplete. Some callers put them into the URL by mistake. */
const SECRET = /((?:sk|(?<![A-Za-z0-9])(?:ps|ss|sl))_[A-Za-z0-9_-]{8,}|whsec_[A-Za-z0-9+/_=-]{8,})/;
const EVERY_SECRET = new RegExp(SECRET, "g");

/** Whether a text contains a key or a secret, also if it is incomplete. */
export function hasSecret(text: string): boolean {
	return SECRET.test(text);
}

/** The text with `sk_***` in place of each key and secret. */
export function withoutSecrets(text: string): string {
	return text.replaceAll(EVERY_SECRET, (secret) => `${secret.slice(0, secret.indexOf("_") + 1)}${HIDDEN_VALUE}`);
}
