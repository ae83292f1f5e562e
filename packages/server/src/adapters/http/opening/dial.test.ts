// Sockets that are opened: TLS sessions are taken up again, and for nobody else.
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";

import { CERTIFICATE_FILE } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { Dialer } from "./dial.ts";

it("a TLS session is taken up by the next connection to the same place, and by no other", async () => {
	const cert = readFileSync(CERTIFICATE_FILE, "utf8");
	const key = readFileSync(join(CERTIFICATE_FILE, "../receiver-key.pem"));
	const servers = [0, 1].map(() => createServer({ key, cert }, (socket) => socket.end("x")));
	for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
	const [port = 0, other = 0] = servers.map((server) => (server.address() as AddressInfo).port);
	const dialer = new Dialer({
		lookup: (_name, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
		ca: cert,
	});
	const isTakenUp: boolean[] = [];
	for (const to of [port, port, other]) {
		const { socket, certificateExpireDate } = dialer.dial({ protocol: "https:", hostname: "localhost", port: to });
		await once(socket, "secureConnect");
		isTakenUp.push((socket as TLSSocket).isSessionReused());
		// A receiver sends no certificate when a session is taken up.
		expect(certificateExpireDate()).toBe(new X509Certificate(cert).validToDate.getTime());
		// The ticket comes with the first bytes.
		await once(socket.resume(), "close");
	}
	expect(isTakenUp).toEqual([false, true, false]);
	for (const server of servers) server.close();
});
