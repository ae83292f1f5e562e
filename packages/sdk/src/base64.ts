// Standard base64, over the `atob` and `btoa` that every platform has.

/** The bytes as standard base64, padded. */
export function encodeBase64(bytes: Uint8Array): string {
	let binary = "";
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return btoa(binary);
}

/**
 * The bytes of standard base64; null if the text is anything else: not padded, url-safe, with white space, or with bits
 * set that no byte takes. `atob` alone forgives those, and a signature would have several spellings.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
	if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/.test(text)) return null;
	const binary = atob(text);
	const bytes = new Uint8Array(binary.length);
	for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
	return bytes;
}
