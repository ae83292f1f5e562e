// Computes the signature of scheme v1. `verify` leaves that to the platform; a diagnosis tries many contents.

/** The content that is signed. */
export interface SignedContent {
	readonly id: string;
	readonly timestamp: string;
	readonly body: Uint8Array;
}

/** A signature, 32 bytes. */
export type Mac = Uint8Array;

/** The signature of a content. */
export async function macOf(key: Uint8Array<ArrayBuffer>, { id, timestamp, body }: SignedContent): Promise<Mac> {
	const head = new TextEncoder().encode(`${id}.${timestamp}.`);
	const whole = new Uint8Array(head.length + body.length);
	whole.set(head);
	whole.set(body, head.length);
	const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
	return new Uint8Array(await crypto.subtle.sign("HMAC", imported, whole));
}

/** Whether one of them is this signature. Takes the same time wherever they differ. */
export function fitsOne(macs: readonly Mac[], mac: Mac): boolean {
	return macs.some((one) => one.length === mac.length && differingBits(one, mac) === 0);
}

function differingBits(one: Mac, other: Mac): number {
	return one.reduce((bits, byte, index) => bits | (byte ^ (other[index] ?? 0)), 0);
}
