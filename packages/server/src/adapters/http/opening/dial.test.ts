// Sockets that are opened: TLS sessions are taken up again, for nobody else, and not for longer than the certificate was checked for.
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createPlainServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";

import { CERTIFICATE_FILE } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { ManualClock } from "../../../core/manual-clock.ts";
import { SendFailure } from "../send-failure.ts";
import { Dialer } from "./dial.ts";

const cert = readFileSync(CERTIFICATE_FILE, "utf8");
const key = readFileSync(join(CERTIFICATE_FILE, "../receiver-key.pem"));
const EXPIRE_DATE = new X509Certificate(cert).validToDate.getTime();
const DAY_MS = 86_400_000;

const tlsServer = () => createServer({ key, cert }, (socket) => socket.end("x"));

async function listen(server: Server): Promise<AsyncDisposable & { readonly port: number }> {
	await once(server.listen(0, "127.0.0.1"), "listening");
	return {
		port: (server.address() as AddressInfo).port,
		[Symbol.asyncDispose]: async () => void (await once(server.close(), "close")),
	};
}

const openDialer = (clock = new ManualClock()) =>
	new Dialer({
		clock,
		lookup: (_name, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
		ca: cert,
	});

/** Connects, and returns whether a session was taken up. */
async function connect(dialer: Dialer, port: number, hostname = "localhost"): Promise<boolean> {
	const { socket, certificateExpireDate } = dialer.dial({ protocol: "https:", hostname, port });
	await once(socket, "secureConnect");
	const isTakenUp = (socket as TLSSocket).isSessionReused();
	// A receiver sends no certificate when a session is taken up.
	expect(certificateExpireDate()).toBe(EXPIRE_DATE);
	// The ticket comes with the first bytes.
	await once(socket.resume(), "close");
	return isTakenUp;
}

it("a TLS session is taken up by the next connection to the same place, and by no other", async () => {
	await using server = await listen(tlsServer());
	await using other = await listen(tlsServer());
	const dialer = openDialer();
	expect(await connect(dialer, server.port)).toBe(false);
	expect(await connect(dialer, server.port)).toBe(true);
	expect(await connect(dialer, other.port)).toBe(false);
});

it("the sessions of a hundred places are kept: of more, the one that was not taken up for longest is forgotten", async () => {
	await using server = await listen(tlsServer());
	const dialer = openDialer();
	const names = Array.from({ length: 101 }, (_, index) => `host-${index}.example.test`);
	const takenUp = async (name = "") => connect(dialer, server.port, name);
	const [first, second] = names;
	for (const name of names.slice(0, 100)) expect(await takenUp(name)).toBe(false);
	expect(await takenUp(first)).toBe(true);
	expect(await takenUp(names[100])).toBe(false);
	expect(await takenUp(first)).toBe(true);
	expect(await takenUp(second)).toBe(false);
});

it.each([
	["a day after its certificate was checked", EXPIRE_DATE - 10 * DAY_MS, DAY_MS],
	["when its certificate expires", EXPIRE_DATE - 1_000, 1_000],
])("the certificate is checked again %s, however often sessions were taken up", async (_when, now, trustedMs) => {
	await using server = await listen(tlsServer());
	const clock = new ManualClock(now);
	const dialer = openDialer(clock);
	expect(await connect(dialer, server.port)).toBe(false);
	clock.advance(trustedMs - 1);
	expect(await connect(dialer, server.port)).toBe(true);
	clock.advance(1);
	expect(await connect(dialer, server.port)).toBe(false);
});

it("a receiver is asked for the certificate of the host's name, without a dot at its end", async () => {
	const names: (string | false | null)[] = [];
	const tls = tlsServer().on("secureConnection", ({ servername }) => names.push(servername));
	await using server = await listen(tls);
	const dialer = openDialer();
	await connect(dialer, server.port, "localhost");
	await connect(dialer, server.port, "localhost.");
	await connect(dialer, server.port, "127.0.0.1");
	expect(names).toEqual(["localhost", "localhost", false]);
});

it("a session with which a handshake has failed is not taken up again, unless it was ended by ourselves", async () => {
	let isBroken = false;
	const tls = tlsServer();
	await using server = await listen(
		createPlainServer((socket) => {
			if (isBroken) socket.destroy();
			else tls.emit("connection", socket);
		}),
	);
	const dialer = openDialer();
	expect(await connect(dialer, server.port)).toBe(false);
	const { socket } = dialer.dial({ protocol: "https:", hostname: "localhost", port: server.port });
	await expect(
		once(socket.destroy(new SendFailure("aborted", "not needed any more")), "secureConnect"),
	).rejects.toThrow("not needed any more");
	expect(await connect(dialer, server.port)).toBe(true);
	isBroken = true;
	await expect(connect(dialer, server.port)).rejects.toThrow(/disconnected|ECONNRESET/);
	isBroken = false;
	expect(await connect(dialer, server.port)).toBe(false);
});
