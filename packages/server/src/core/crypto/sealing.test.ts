import { randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import { createSealer } from "./sealing.ts";

describe("a sealer", () => {
	const sealer = createSealer(randomBytes(32));
	const plain = randomBytes(40);

	it("gives back what it sealed, and seals the same differently each time", () => {
		const sealed = sealer.seal(plain, "webhook_1");
		expect(Buffer.from(sealer.open(sealed, "webhook_1"))).toEqual(plain);
		expect(Buffer.from(sealed).equals(sealer.seal(plain, "webhook_1"))).toBe(false);
		expect(Buffer.from(sealed).includes(plain)).toBe(false);
	});

	it("opens nothing under another key, in another context or after a change of any byte", () => {
		const sealed = sealer.seal(plain, "webhook_1");
		expect(() => createSealer(randomBytes(32)).open(sealed, "webhook_1")).toThrow(/authenticate|format/);
		expect(() => sealer.open(sealed, "webhook_2")).toThrow(/authenticate|format/);
		for (let index = 0; index < sealed.length; index++) {
			const changed = Buffer.from(sealed);
			changed[index]! ^= 1;
			expect(() => sealer.open(changed, "webhook_1")).toThrow(/authenticate|format/);
		}
	});

	it("says of a value that was cut off that it is no sealed one", () => {
		const sealed = sealer.seal(plain, "webhook_1");
		for (const length of [0, 1, 28]) {
			expect(() => sealer.open(sealed.subarray(0, length), "webhook_1")).toThrow("unknown format");
		}
	});

	it("wants a key of 32 bytes", () => {
		expect(() => createSealer(randomBytes(31))).toThrow("32 bytes");
		expect(() => createSealer(randomBytes(33))).toThrow("32 bytes");
	});
});
