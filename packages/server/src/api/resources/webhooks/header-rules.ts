// The headers that a webhook may add to its attempts.
import { HIDDEN_VALUE } from "../../../core/webhook.ts";

export const MAX_HEADERS = 20;
const NAME_MAX_LENGTH = 256;
const VALUE_MAX_LENGTH = 1_024;

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible ASCII characters; spaces only between them. */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Headers that the sender or HTTP itself sets. */
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

/** The reason to refuse a header name; null if it is valid. */
export function headerNameIssue(name: string): string | null {
	if (name.length > NAME_MAX_LENGTH || !TOKEN.test(name))
		return "is not a valid header name; use letters, digits and -";
	const lower = name.toLowerCase();
	if (lower === "__proto__" || RESERVED.has(lower) || lower.startsWith(RESERVED_PREFIX)) {
		return "is set by Fanfare or reserved, and cannot be set here";
	}
	return null;
}

/** The reason to refuse a header value; null if it is valid. Never repeats the value. */
export function headerValueIssue(value: string): string | null {
	if (value === HIDDEN_VALUE) {
		return `${HIDDEN_VALUE} stands for a value that cannot be read back; send the real value, or omit headers to keep all`;
	}
	if (value.length > VALUE_MAX_LENGTH) return `must have at most ${VALUE_MAX_LENGTH} characters, got ${value.length}`;
	return VALUE.test(value) ? null : "must have only visible ASCII characters, with spaces only between them";
}
