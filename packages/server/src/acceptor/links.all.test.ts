// Links carry bytes between threads; here both sides are in this thread, and the messages go through a port.
import { finished } from "node:stream/promises";
import { MessageChannel } from "node:worker_threads";

import { eventually } from "@fanfare/testkit/eventually";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";

import { Links, type Link, type LinkMessage } from "./links.ts";

const WINDOW_BYTES = 16_384;

/** Two sides, and a way to open a link. */
function sides() {
	const { port1, port2 } = new MessageChannel();
	const opened: Link[] = [];
	const here = new Links((message, transferred) => port1.postMessage(message, transferred));
	const there = new Links(
		(message, transferred) => port2.postMessage(message, transferred),
		(link) => opened.push(link),
	);
	port1.on("message", (message: LinkMessage) => here.receive(message));
	port2.on("message", (message: LinkMessage) => there.receive(message));
	onTestFinished(() => port1.close());
	const open = async (): Promise<[Link, Link]> => {
		const before = opened.length;
		const link = here.open("203.0.113.7");
		await eventually("the link to be opened", () => opened.length > before);
		return [link, opened[before] as Link];
	};
	return { here, there, open };
}

/** Resolves with all that comes until the other side ends. It leaves the link open, unlike an iterator. */
function text(link: Link): Promise<string> {
	let whole = "";
	link.setEncoding("latin1").on("data", (piece: string) => (whole += piece));
	return new Promise((resolve, reject) => {
		link.once("end", () => resolve(whole));
		link.once("close", () => reject(new Error("closed before its end")));
	});
}

/** Resolves when all messages that were sent so far have been received on both sides: a link more tells, since messages keep their order. */
async function settled({ open }: Pick<ReturnType<typeof sides>, "open">): Promise<void> {
	const [near, far] = await open();
	far.write("x");
	await new Promise((resolve) => near.once("data", resolve));
	near.destroy();
}

describe("a link", () => {
	it("carries all bytes both ways, in any pieces, until each side has ended", async () => {
		const { open, here, there } = sides();
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.uint8Array({ maxLength: 3 * WINDOW_BYTES, size: "max" }), { maxLength: 6 }),
				fc.boolean(),
				async (pieces, isCorked) => {
					const [near, far] = await open();
					const whole = Buffer.concat(pieces).toString("latin1");
					for (const [from, to] of [
						[near, far],
						[far, near],
					] as const) {
						if (isCorked) from.cork();
						for (const piece of pieces) from.write(piece);
						from.end();
						expect(await text(to)).toBe(whole);
					}
					await eventually("both ends to be closed", () => near.closed && far.closed);
				},
			),
			{ numRuns: 50 },
		);
		expect([here.size, there.size]).toEqual([0, 0]);
	});

	it("has the address of the client on both sides", async () => {
		const [near, far] = await sides().open();
		expect([near.remoteAddress, far.remoteAddress]).toEqual(["203.0.113.7", "203.0.113.7"]);
	});

	it("takes no more than three windows that nobody reads, and goes on when they are read", async () => {
		const both = sides();
		const [near, far] = await both.open();
		const piece = Buffer.alloc(1_000, "a");
		let written = 0;
		do {
			while (!near.writableNeedDrain) {
				near.write(piece);
				written += piece.length;
			}
			await settled(both);
			await settled(both);
		} while (!near.writableNeedDrain);
		expect(written).toBeLessThanOrEqual(3 * WINDOW_BYTES + piece.length);
		near.end();
		expect(await text(far)).toHaveLength(written);
	});

	it("tells the other side at once that it was closed, although much is unread", async () => {
		const [near, far] = await sides().open();
		near.write(Buffer.alloc(10 * WINDOW_BYTES));
		await eventually("bytes", () => far.readableLength > 0);
		near.destroy();
		await eventually("the other end to be closed", () => far.closed);
		expect(far.readableEnded).toBe(false);
	});

	it("gives all that was written before it was closed soon, and closes then", async () => {
		const { open, here, there } = sides();
		const [near, far] = await open();
		near.write(Buffer.alloc(5 * WINDOW_BYTES));
		near.destroySoon();
		near.destroySoon();
		expect(await text(far)).toHaveLength(5 * WINDOW_BYTES);
		await eventually("both ends to be closed", () => here.size === 0 && there.size === 0);
		near.destroySoon();
	});

	it("refuses what is written to it when the other end is closed, and something is still to be read", async () => {
		const [near, far] = await sides().open();
		far.write("last");
		far.destroySoon();
		await eventually("bytes", () => near.readableLength > 0);
		await eventually("the other end to be closed", () => far.closed);
		expect(near.destroyed).toBe(false);
		near.write("too late");
		await expect(finished(near)).rejects.toMatchObject({ code: "ECONNRESET" });
	});

	it("is closed with all others of its side, also if nobody is on the other one", async () => {
		const links = new Links(() => {});
		const open = [links.open(undefined), links.open("203.0.113.7")];
		open[0]?.write(Buffer.alloc(10 * WINDOW_BYTES));
		links.close();
		await eventually("both to be closed", () => open.every(({ closed }) => closed) && links.size === 0);
	});

	it("which was closed on one side gets nothing of what the other has sent by then", async () => {
		const { open, here } = sides();
		const [near, far] = await open();
		far.write("late");
		near.destroy();
		near.on("data", () => expect.unreachable());
		await eventually("the other end to be closed", () => far.closed);
		expect(here.size).toBe(0);
	});
});
