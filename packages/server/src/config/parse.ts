// From the text of a setting to its value. Each function returns undefined if the text is not valid.
import { isIP } from "node:net";

import { isSecretKey } from "../core/access/key.ts";
import { MASTER_KEY_BYTES } from "../core/crypto/sealing.ts";

export function parseHost(text: string): string | undefined {
	return /^[A-Za-z0-9._-]+$/.test(text) || isIP(text) !== 0 ? text : undefined;
}

export function parsePath(text: string): string | undefined {
	return text.includes("\0") ? undefined : text;
}

/** A parser for whole numbers from `min` to `max`, decimal digits only. */
export function wholeNumber(min: number, max: number): (text: string) => number | undefined {
	return (text) => {
		const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
		return value >= min && value <= max ? value : undefined;
	};
}

export function parseBoolean(text: string): boolean | undefined {
	if (text === "true" || text === "1") return true;
	return text === "false" || text === "0" ? false : undefined;
}

export function parseSecretKey(text: string): string | undefined {
	return isSecretKey(text) ? text : undefined;
}

export function parseMasterKey(text: string): Uint8Array | undefined {
	if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
	if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
	const bytes = Buffer.from(text, "base64");
	return bytes.length === MASTER_KEY_BYTES ? bytes : undefined;
}

/**
 * Checks only the syntax. `adapters/http/networks.ts` parses the networks, and refuses addresses inside a network such
 * as 10.1.2.3/8.
 */
export function parseNetworks(text: string): readonly string[] | undefined {
	const networks = text.split(",").map((network) => network.trim());
	return networks.every(isNetwork) ? Object.freeze(networks) : undefined;
}

/**
 * Parses an absolute http or https URL without user name, query and fragment, and removes slashes at its end. Characters
 * that would have a meaning in an OpenAPI server URL (braces) or in a shell (such as `$`) are refused.
 */
export function parsePublicUrl(text: string): string | undefined {
	if (!/^https?:\/\/[^\s/?#@\\]+(\/[^\s?#\\]*)?$/i.test(text) || !URL.canParse(text)) return undefined;
	const { href } = new URL(text);
	return /^https?:\/\/[\w.:[\]-]+\/[\w.~%:@+/-]*$/.test(href) ? href.replace(/\/+$/, "") : undefined;
}

export function parseProxyUrl(text: string): string | undefined {
	return URL.canParse(text) && new URL(text).protocol === "http:" ? text : undefined;
}

function isNetwork(text: string): boolean {
	const [address = "", bits, ...rest] = text.split("/");
	const version = isIP(address);
	if (version === 0 || address.includes("%") || rest.length > 0) return false;
	return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32));
}
