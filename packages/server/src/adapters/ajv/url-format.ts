// The format `url` of ajv-formats in linear time: its own regular expression takes minutes for 60 KB of colons. All other formats of
// ajv-formats are linear.
import { createLinearPattern, type Pattern } from "./patterns.ts";

/** An octet of an address that is neither the first nor the last. */
const OCTET = String.raw`(?:1?\d{1,2}|2[0-4]\d|25[0-5])`;
const LAST_OCTET = String.raw`(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4])`;
/** The first octet, apart from those of which all or some addresses are private. */
const FIRST_OCTET = String.raw`(?:[1-9]|1[1-9]|[2-9]\d|1[013-58]\d|12[0-689]|16[0-8]|17[013-9]|19[013-9]|2[01]\d|22[0-3])`;
const NOT_254 = String.raw`(?:1?\d{1,2}|2[0-4]\d|25[0-35])`;
const NOT_168 = String.raw`(?:\d{1,2}|1[0-57-9]\d|16[0-79]|2[0-4]\d|25[0-5])`;
const NOT_16_TO_31 = String.raw`(?:\d|0\d|1[0-5]|3[2-9]|[4-9]\d|1\d\d|2[0-4]\d|25[0-5])`;
/**
 * RE2 has no look-ahead, with which the original excludes private addresses: 10/8, 127/8, 169.254/16, 192.168/16, 172.16/12.
 */
const ADDRESS = String.raw`(?:(?:${FIRST_OCTET}\.${OCTET}|169\.${NOT_254}|192\.${NOT_168}|172\.${NOT_16_TO_31})\.${OCTET}\.${LAST_OCTET})`;
/** The original ignores case. With the flag u, that also makes ſ an s. */
const LABEL_CHARACTER = String.raw`[a-zA-Z0-9\u{a1}-\u{ffff}]`;
const LABEL = `(?:${LABEL_CHARACTER}+-)*${LABEL_CHARACTER}+`;
const NAME = String.raw`${LABEL}(?:\.${LABEL})*\.[a-zA-Z\u{a1}-\u{ffff}]{2,}`;
const URL_PATTERN = String.raw`^(?:[hH][tT][tT][pP][sS\u{17f}]?|[fF][tT][pP])://(?:\S+@)?(?:${ADDRESS}|${NAME})(?::\d{2,5})?(?:/\S*)?$`;

let pattern: Pattern | null = null;

/** Whether the text is what ajv-formats calls a `url`. */
export function isUrl(text: string): boolean {
	pattern ??= createLinearPattern(URL_PATTERN);
	return pattern.test(text);
}
