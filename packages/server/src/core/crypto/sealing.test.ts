import { randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { createSealer } from "./sealing.ts";

describe("a sealer", () => {
	const sealer = createSealer(randomBytes(32), systemChance);
	const plain = randomBytes(40);

	it("unseals what it sealed, and seals the same value differently each time", () => {
		const sealed = sealer.seal(plain, "webhook_1");
		expect(Buffer.from(sealer.unseal(sealed, "webhook_1"))).toEqual(plain);
		expect(Buffer.from(sealed).equals(sealer.seal(plain, "webhook_1"))).toBe(false);
		expect(Buffer.from(sealed).includes(plain)).toBe(false);
	});

	it("refuses to unseal with another key, another context, or any changed byte", () => {
		const sealed = sealer.seal(plain, "webhook_1");
		expect(() => createSealer(randomBytes(32), systemChance).unseal(sealed, "webhook_1")).toThrow(
			/authenticate|format/,
		);
		expect(() => sealer.unseal(sealed, "webhook_2")).toThrow(/authenticate|format/);
		for (let index = 0; index < sealed.length; index++) {
			const changed = Buffer.from(sealed);
			changed[index]! ^= 1;
			expect(() => sealer.unseal(changed, "webhook_1")).toThrow(/authenticate|format/);
		}
	});

	it("reports an unknown format for a truncated value", () => {
		const sealed = sealer.seal(plain, "webhook_1");
		for (const length of [0, 1, 28]) {
			expect(() => sealer.unseal(sealed.subarray(0, length), "webhook_1")).toThrow("unknown format");
		}
	});

	it("requires a key of 32 bytes", () => {
		expect(() => createSealer(randomBytes(31), systemChance)).toThrow("32 bytes");
		expect(() => createSealer(randomBytes(33), systemChance)).toThrow("32 bytes");
	});
});
