// A slow link: bytes come later, and many take longer.
import { connect, createServer, type AddressInfo } from "node:net";

import { expect, it, onTestFinished } from "vitest";

import { NetworkLink } from "./network-link.ts";

/** A connection through a link to a server that sends back what it receives. */
async function openEcho() {
	const server = createServer((socket) => socket.pipe(socket));
	await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
	const link = await NetworkLink.open(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
	const socket = connect(Number(new URL(link.url).port), "127.0.0.1").setEncoding("utf8");
	onTestFinished(async () => {
		socket.destroy();
		await link[Symbol.asyncDispose]();
		server.close();
	});
	/** Sends a text. Returns what has come back, and how long that took. */
	const echo = async (sent: string) => {
		const from = performance.now();
		socket.write(sent);
		let received = "";
		while (received.length < sent.length) received += await new Promise((resolve) => socket.once("data", resolve));
		return { received, tookMs: performance.now() - from };
	};
	return { link, echo };
}

it("delays what passes, in each direction", async () => {
	const { link, echo } = await openEcho();
	link.slow({ delayMs: 40, bytesPerMs: Infinity });
	const { received, tookMs } = await echo("slow");
	expect(received).toBe("slow");
	expect(tookMs).toBeGreaterThanOrEqual(79);
	link.reopen();
	expect(await echo("fast")).toMatchObject({ received: "fast" });
});

it("takes its time for many bytes, which keep their order", async () => {
	const { link, echo } = await openEcho();
	link.slow({ delayMs: 0, bytesPerMs: 2_000 });
	const sent = Array.from({ length: 20_000 }, (_, n) => String(n).padStart(5, "0")).join("");
	const { received, tookMs } = await echo(sent);
	expect(received === sent).toBe(true);
	expect(tookMs).toBeGreaterThanOrEqual(49);
});
