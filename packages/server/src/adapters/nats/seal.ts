// Authenticates messages with a key that only the processes of one cluster have. Without it, whoever may publish on the subjects could have
// events delivered that nobody has sent.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

const MAC_BYTES = 16;
const KEY_BYTES = 32;
/** Rises when messages of an earlier version would be misread. */
const VERSION = "fanfare nats 1";

export class Seal {
	readonly #key: Buffer;

	/** The key is made from the master key, and tells nothing of it. */
	constructor(masterKey: Uint8Array) {
		this.#key = Buffer.from(hkdfSync("sha256", masterKey, "", VERSION, KEY_BYTES));
	}

	/** The message for this subject, and no other. */
	close(subject: string, parts: readonly Uint8Array[]): Buffer {
		return Buffer.concat([this.#mac(subject, parts), ...parts]);
	}

	/** What was sealed; null if it was not sealed with this key for this subject. */
	open(subject: string, message: Uint8Array): Buffer | null {
		if (message.length < MAC_BYTES) return null;
		const all = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
		const content = all.subarray(MAC_BYTES);
		return timingSafeEqual(all.subarray(0, MAC_BYTES), this.#mac(subject, [content])) ? content : null;
	}

	#mac(subject: string, parts: readonly Uint8Array[]): Buffer {
		const hmac = createHmac("sha256", this.#key).update(`${subject}\n`);
		for (const part of parts) hmac.update(part);
		return hmac.digest().subarray(0, MAC_BYTES);
	}
}
