// Which headers may go with a webhook's attempts.
import { HIDDEN_VALUE } from "../../../core/webhook.ts";

export const MAX_HEADERS = 20;
const NAME_MAX_LENGTH = 256;
const VALUE_MAX_LENGTH = 1_024;

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible ASCII; spaces only inside. */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Set by the sender or by HTTP itself. */
const RESERVED = new Set([
	"content-type",
	"content-length",
	"content-encoding",
	"host",
	"connection",
	"transfer-encoding",
	"user-agent",
	"webhook-id",
	"webhook-timestamp",
	"webhook-signature",
	"te",
	"upgrade",
	"trailer",
	"keep-alive",
	"expect",
]);
const RESERVED_PREFIX = "proxy-";

/** Why a header may not have this name; null if it may. */
export function headerNameIssue(name: string): string | null {
	if (name.length > NAME_MAX_LENGTH || !TOKEN.test(name)) return "is not a header name: letters, digits and - are fine";
	const lower = name.toLowerCase();
	if (lower === "__proto__" || RESERVED.has(lower) || lower.startsWith(RESERVED_PREFIX)) {
		return "is set by Fanfare or reserved, and cannot be set here";
	}
	return null;
}

/** Why a header may not have this value; null if it may. Never says what the value was. */
export function headerValueIssue(value: string): string | null {
	if (value === HIDDEN_VALUE) {
		return `${HIDDEN_VALUE} stands for a value that cannot be read back: write the real one, or leave headers out to keep all`;
	}
	if (value.length > VALUE_MAX_LENGTH) return `must have at most ${VALUE_MAX_LENGTH} characters, got ${value.length}`;
	return VALUE.test(value) ? null : "must be visible ASCII characters, with spaces only between them";
}
