// Bodies that come in many pieces.
import { describe, expect, it, vi } from "vitest";

import { caller } from "../../test/caller.ts";
import { BodyPieces } from "./body-pieces.ts";

const bytes = (length: number, from = 0) => Uint8Array.from({ length }, (_, n) => (from + n) % 251);

describe("the pieces of a body", () => {
	it("are its bytes in their order, of whatever sizes they are", () => {
		const pieces = new BodyPieces();
		const all: number[] = [];
		for (let n = 0; n < 3_000; n++) {
			const piece = bytes(n % 100 === 99 ? 5_000 : n % 7, n);
			all.push(...piece);
			pieces.add(piece);
		}
		expect(pieces.size).toBe(all.length);
		expect(Buffer.compare(pieces.take(), Buffer.from(all))).toBe(0);
	});

	it("are not copied if there is only one", () => {
		const [pieces, one] = [new BodyPieces(), bytes(10)];
		pieces.add(one);
		expect(pieces.take()).toBe(one);
	});

	it("are kept together if they are small, in little more memory than they need", () => {
		const concat = vi.spyOn(Buffer, "concat");
		const pieces = new BodyPieces();
		for (let n = 0; n < 16_384; n++) pieces.add(bytes(1, n));
		expect(pieces.take()).toHaveLength(16_384);
		const parts = concat.mock.calls[0]?.[0] ?? [];
		concat.mockRestore();
		expect(parts.length).toBeLessThan(20);
		expect(parts.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBeLessThan(2.5 * 16_384);
	});

	it("are in little more memory than they need if a small one comes between two large ones each time", () => {
		const concat = vi.spyOn(Buffer, "concat");
		const pieces = new BodyPieces();
		for (let n = 0; n < 100; n++) {
			pieces.add(bytes(1_024));
			pieces.add(bytes(1));
		}
		expect(pieces.take()).toHaveLength(102_500);
		const parts = concat.mock.calls[0]?.[0] ?? [];
		concat.mockRestore();
		expect(parts.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBeLessThan(1.1 * 102_500);
	});

	it("are too many when they are very small on average", () => {
		const pieces = new BodyPieces();
		let count = 0;
		for (; !pieces.areTooMany && count < 20_000; count++) pieces.add(bytes(1));
		expect(count).toBeGreaterThan(16_384);
		expect(count).toBeLessThan(20_000);
		for (let n = 0; n < 2_000; n++) pieces.add(bytes(1_000));
		expect(pieces.areTooMany).toBe(false);
	});
});

it("refuses a body in very many pieces of one byte, when these have come", async () => {
	const { call } = await caller();
	let given = 0;
	const body = new ReadableStream<Uint8Array>({
		pull(controller) {
			given++;
			controller.enqueue(Buffer.from(given === 1 ? "[" : " "));
			if (given === 100_000) controller.close();
		},
	});
	const { status, json } = await call("POST", "./events:batch", body);
	expect([status, json["code"]]).toEqual([400, "invalid_request"]);
	expect(json["message"]).toMatch(/more pieces than/);
	expect(given).toBeLessThan(20_000);
});
