// Standard base64, implemented with `atob` and `btoa`, which every platform has.

/** Encodes bytes as standard base64 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
	let binary = "";
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return btoa(binary);
}

/**
 * Decodes standard base64. Returns null for any other text: without padding, URL-safe, with white space, or with unused
 * bits set. `atob` alone accepts some of those, and a signature would then have several valid spellings.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
	if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/.test(text)) return null;
	const binary = atob(text);
	const bytes = new Uint8Array(binary.length);
	for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
	return bytes;
}
