import type { LookupAddress } from "node:dns";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { networkInterfaces } from "node:os";

import { describe, expect, it, vi } from "vitest";

import { startReceiver } from "../../../test/receiver.ts";
import { createAddressGuard } from "./address-guard.ts";
import { openTestSender } from "./testing/open-test-sender.ts";
import { openUndiciSender } from "./undici-sender.ts";

const v4 = (address: string): LookupAddress => ({ address, family: 4 });
const v6 = (address: string): LookupAddress => ({ address, family: 6 });
const answering = (...addresses: LookupAddress[]) => ({ lookup: () => Promise.resolve(addresses) });
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

describe("names", () => {
	it("are looked up and kept in the host header", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender(answering(v4("127.0.0.1")));
		expect(await sender.send(`http://example.test:${receiver.port}`)).toMatchObject({ responseCode: 200 });
		expect(receiver.requests[0]?.headers.host).toBe(`example.test:${receiver.port}`);
	});

	it("that resolve to an address that is not public are refused without a connection", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({
			guard: createAddressGuard({ allowNetworks: [], allowHttp: true }),
			...answering(v4("127.0.0.1")),
		});
		expect(await sender.send(`http://example.test:${receiver.port}`)).toMatchObject({
			responseCode: 0,
			error: "blocked_address",
			reason:
				"example.test resolves to 127.0.0.1, a loopback address. Only public addresses are called: use one, or allow its network with FANFARE_ALLOW_NETWORKS (such as 127.0.0.1/32).",
		});
		expect(receiver.connectionCount).toBe(0);
	});

	it.each([v4("10.0.0.1"), v6("::ffff:10.0.0.1"), v6("fd00:ec2::254"), v6("64:ff9b::a9fe:a9fe")])(
		"are refused if one address of many is $address",
		async (bad) => {
			await using receiver = await startReceiver();
			await using sender = openTestSender(answering(v4("127.0.0.1"), bad));
			expect(await sender.send(`http://example.test:${receiver.port}`)).toMatchObject({ error: "blocked_address" });
			expect(receiver.connectionCount).toBe(0);
		},
	);

	it("are judged anew for each connection, so that changing the record later gains nothing", async () => {
		await using receiver = await startReceiver();
		let address = "127.0.0.1";
		let now = "first.test";
		await using sender = openTestSender({ lookup: () => Promise.resolve([v4(address)]) });
		receiver.script(() => ({ close: true }));
		expect(await sender.send(`http://${now}:${receiver.port}`)).toMatchObject({ responseCode: 200 });
		address = "192.168.0.1";
		now = "second.test"; // the first one's answer is kept for some seconds, and was checked
		expect(await sender.send(`http://${now}:${receiver.port}`)).toMatchObject({ error: "blocked_address" });
	});

	it.each([
		["ENOTFOUND", "no address found for example.test: the name does not exist (ENOTFOUND)"],
		["EAI_AGAIN", "no address found for example.test: the look-up failed (EAI_AGAIN)"],
	])("that cannot be resolved are a dns error: %s", async (code, reason) => {
		const lookup = () => Promise.reject(Object.assign(new Error("getaddrinfo"), { code }));
		await using sender = openTestSender({ lookup });
		expect(await sender.send("http://example.test")).toMatchObject({ responseCode: 0, error: "dns", reason });
	});

	it("without any address are a dns error", async () => {
		await using sender = openTestSender(answering());
		expect(await sender.send("http://example.test")).toMatchObject({ error: "dns" });
	});

	it("are connected to by the next address when one does not work", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender(answering(v4("127.0.0.99"), v4("127.0.0.1")));
		expect(await sender.send(`http://example.test:${receiver.port}`)).toMatchObject({ responseCode: 200 });
	});

	it("are really looked up: localhost", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		expect(await sender.send(`http://localhost:${receiver.port}`)).toMatchObject({ responseCode: 200 });
	});
});

describe("a resolver that hangs", () => {
	const hanging = { lookup: () => new Promise<never>(() => {}) };

	it("is bounded by the time for connecting", async () => {
		await using sender = openTestSender({ ...hanging, connectTimeoutMs: 100 });
		expect(await sender.send("http://example.test:81")).toMatchObject({
			error: "timeout",
			reason: "no connection to example.test:81 within 100 ms: its name was being looked up",
		});
	});

	it("is bounded by the attempt's deadline", async () => {
		await using sender = openTestSender(hanging);
		expect(await sender.send("http://example.test:81", { timeoutMs: 100 })).toMatchObject({
			error: "timeout",
			reason: "no connection to example.test:81 within 100 ms",
		});
		await expect.poll(() => sender.stats().sockets).toBe(0);
	});
});

describe("addresses in URLs", () => {
	it.each(["127.0.0.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "localhost"])("are refused: %s", async (host) => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ guard: createAddressGuard({ allowNetworks: [], allowHttp: true }) });
		const outcome = await sender.send(`http://${host}:${receiver.port}`);
		expect(outcome).toMatchObject({ responseCode: 0, error: "blocked_address" });
		expect(receiver.connectionCount).toBe(0);
	});

	it("are judged by the connector too, should the guard's rule for URLs ever miss one", async () => {
		await using receiver = await startReceiver();
		const guard = { ...createAddressGuard({ allowNetworks: [], allowHttp: true }), reject: () => null };
		await using sender = openTestSender({ guard });
		expect(await sender.send(receiver.url)).toMatchObject({
			error: "blocked_address",
			reason: expect.stringContaining("127.0.0.1 is a loopback address."),
		});
		expect(receiver.connectionCount).toBe(0);
	});

	it("are not called over http unless that is allowed", async () => {
		await using receiver = await startReceiver();
		const guard = createAddressGuard({ allowNetworks: ["127.0.0.0/8"], allowHttp: false });
		await using sender = openTestSender({ guard });
		expect(await sender.send(receiver.url)).toMatchObject({
			error: "blocked_address",
			reason: expect.stringContaining("FANFARE_ALLOW_HTTP"),
		});
	});

	it.skipIf(!hasIpv6)("may be IPv6 (skipped on hosts without ::1)", async () => {
		await using receiver = await startReceiver({ host: "::1" });
		await using sender = openTestSender();
		const { url, host } = receiver;
		expect(await sender.send(url)).toMatchObject({ responseCode: 200 });
		await receiver.close();
		expect(await sender.send(url)).toMatchObject({ error: "refused", reason: `connection refused by ${host}` });
	});
});

describe("a receiver that cannot be connected to", () => {
	it("is refused when nobody listens, by address", async () => {
		const receiver = await startReceiver();
		const { host, port } = receiver;
		await receiver.close();
		await using sender = openTestSender(answering(v4("127.0.0.1")));
		const refused = { responseCode: 0, error: "refused", reason: `connection refused by ${host}` };
		expect(await sender.send(`http://${host}`)).toMatchObject(refused);
		expect(await sender.send(`http://example.test:${port}`)).toMatchObject(refused);
	});

	it("is unreachable without a route", async () => {
		const guard = createAddressGuard({ allowNetworks: ["224.0.0.0/4"], allowHttp: true });
		await using sender = openTestSender({ guard });
		expect(await sender.send("http://224.0.0.1:81")).toMatchObject({
			error: "unreachable",
			reason: expect.stringMatching(/^224\.0\.0\.1:81 cannot be reached \(E[A-Z]+\)$/),
		});
	});

	it("is a reset when it drops the connection at once", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.greeting = "reset";
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 0, error: "reset" });
	});
});

describe("TLS", () => {
	it("is checked against the name, or the address", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ ca: receiver.ca, ...answering(v4("127.0.0.1")) });
		expect(await sender.send(`https://example.test:${receiver.port}`)).toMatchObject({ responseCode: 200 });
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200 });
		expect(await sender.send(`https://elsewhere.test:${receiver.port}`)).toMatchObject({
			responseCode: 0,
			error: "tls",
			reason: `no TLS connection to elsewhere.test:${receiver.port}: the certificate is for another name`,
		});
		expect(receiver.requests).toHaveLength(2);
	});

	it("fails with a certificate that nobody trusts, whatever the environment says", async () => {
		vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender();
		const outcome = await sender.send(receiver.url);
		vi.unstubAllEnvs();
		expect(outcome).toMatchObject({
			error: "tls",
			reason: `no TLS connection to ${receiver.host}: the certificate is self-signed`,
		});
		expect(receiver.requests).toHaveLength(0);
	});

	it("fails on a port that speaks plain http", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		expect(await sender.send(`https://${receiver.host}`)).toMatchObject({
			error: "tls",
			reason: expect.stringContaining("does this port speak plain http?"),
		});
	});

	it("fails when the receiver hangs up in the handshake", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender();
		receiver.greeting = "close";
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 0, error: "reset" });
	});

	it("is bounded by the time for connecting", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ connectTimeoutMs: 500 });
		receiver.greeting = "silent";
		expect(await sender.send(receiver.url)).toMatchObject({
			error: "timeout",
			reason: `no connection to ${receiver.host} within 500 ms: it did not finish the TLS handshake`,
		});
		await receiver.waitForConnections(0);
	});

	it("is given up at the attempt's deadline", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender();
		receiver.greeting = "silent";
		expect(await sender.send(receiver.url, { timeoutMs: 100 })).toMatchObject({ error: "timeout", responseCode: 0 });
		await receiver.waitForConnections(0);
	});

	it("reports a break inside the answer as over plain http", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ ca: receiver.ca });
		receiver.respond([{ kind: "reset" }]);
		expect(await sender.send(receiver.url)).toMatchObject({ error: "reset", responseCode: 0 });
		expect(await sender.send(receiver.url)).toMatchObject({ error: null, responseCode: 200 });
	});
});

/** A real proxy that takes CONNECT, and that tells what it was asked for. */
async function startProxy(behaviour: number | "connect" | "hang" | "close" | "talk" = "connect") {
	const asked: IncomingMessage[] = [];
	const sockets = new Set<Socket>();
	const server = createServer((_request, response) => response.writeHead(400).end());
	server.on("connection", (socket) => {
		sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
	});
	server.on("connect", (request, client) => {
		asked.push(request);
		if (behaviour === "hang") return;
		if (behaviour === "close") {
			client.destroy();
		} else if (behaviour === "talk") {
			client.resume().on("end", () => client.end());
			client.write("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
		} else if (behaviour === "connect") {
			const [host = "", port] = (request.url ?? "").split(/:(?=\d+$)/);
			const receiver = connect(Number(port), host, () => client.write("HTTP/1.1 200 Connection established\r\n\r\n"));
			sockets.add(receiver.on("error", () => client.destroy()));
			receiver.pipe(client).pipe(receiver);
		} else {
			client.resume().on("end", () => client.end()); // stays open until the other side goes
			client.write(`HTTP/1.1 ${behaviour} s3cret words\r\n\r\n`);
		}
	});
	const { promise, resolve } = Promise.withResolvers<void>();
	server.listen(0, "127.0.0.1", resolve);
	await promise;
	const { port } = server.address() as AddressInfo;
	return {
		asked,
		sockets,
		place: `127.0.0.1:${port}`,
		url: `http://user:p%40s3cret@127.0.0.1:${port}`,
		[Symbol.asyncDispose]() {
			const closed = Promise.withResolvers<void>();
			server.close(() => closed.resolve());
			for (const socket of sockets) socket.destroy();
			return closed.promise;
		},
	};
}

describe("through a proxy", () => {
	it.each([true, false])("an attempt is tunnelled to the checked address, TLS: %s", async (tls) => {
		await using receiver = await startReceiver({ tls });
		await using proxy = await startProxy();
		await using sender = openTestSender({
			proxy: proxy.url,
			ca: receiver.ca,
			...answering(v6("::1"), v4("127.0.0.1")),
		});
		const url = `${tls ? "https" : "http"}://example.test:${receiver.port}`;
		expect(await sender.send(url)).toMatchObject({ responseCode: 200, error: null });
		expect(await sender.send(url)).toMatchObject({ responseCode: 200, error: null });
		expect(proxy.asked).toHaveLength(1);
		expect(proxy.asked[0]?.url).toBe(`127.0.0.1:${receiver.port}`);
		expect(proxy.asked[0]?.headers).toMatchObject({
			host: `127.0.0.1:${receiver.port}`,
			"proxy-authorization": `Basic ${Buffer.from("user:p@s3cret").toString("base64")}`,
		});
		expect(receiver.requests[0]?.headers).toMatchObject({ host: `example.test:${receiver.port}` });
		expect(receiver.requests[0]?.headers).not.toHaveProperty("proxy-authorization");
	});

	it("an IPv6 address is asked for in brackets, and the receiver's certificate is checked", async () => {
		await using proxy = await startProxy(502);
		await using sender = openTestSender({ proxy: proxy.url, ...answering(v6("::1")) });
		await sender.send("https://example.test");
		expect(proxy.asked[0]?.url).toBe("[::1]:443");
		await using receiver = await startReceiver({ tls: true });
		await using honest = await startProxy();
		await using strict = openTestSender({ proxy: honest.url });
		expect(await strict.send(receiver.url)).toMatchObject({ error: "tls" });
	});

	it.each(["http://example.test", "http://10.0.0.1"])(
		"the receiver's address is judged all the same: %s",
		async (url) => {
			await using proxy = await startProxy();
			const guard = { ...createAddressGuard({ allowNetworks: [], allowHttp: true }), reject: () => null };
			await using sender = openTestSender({ proxy: proxy.url, guard, ...answering(v4("10.0.0.1")) });
			expect(await sender.send(url)).toMatchObject({ error: "blocked_address" });
			expect(proxy.asked).toEqual([]);
		},
	);

	it.each([
		[407, "wants other credentials than those in FANFARE_PROXY (407)"],
		[403, "did not connect to 127.0.0.1:81 (403 Forbidden)"],
		[502, "did not connect to 127.0.0.1:81 (502 Bad Gateway)"],
		[599, "did not connect to 127.0.0.1:81 (599)"],
	])("a %i of the proxy is told", async (status, words) => {
		await using proxy = await startProxy(status);
		await using sender = openTestSender({ proxy: proxy.url });
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject({
			responseCode: 0,
			error: "unreachable",
			reason: `the proxy ${proxy.place} ${words}`,
		});
		await expect.poll(() => proxy.sockets.size).toBe(0);
	});

	it("nothing counts as an answer that the proxy says before it was asked", async () => {
		await using proxy = await startProxy("talk");
		await using sender = openTestSender({ proxy: proxy.url });
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject({
			responseCode: 0,
			error: "unreachable",
			reason: `the proxy ${proxy.place} sent data before it was asked`,
		});
		await expect.poll(() => proxy.sockets.size).toBe(0);
	});

	it("a password may have a percent sign that escapes nothing", async () => {
		await using proxy = await startProxy(502);
		await using sender = openTestSender({ proxy: `http://user:100%@${proxy.place}` });
		await sender.send("http://127.0.0.1:81");
		const credentials = Buffer.from("user:100%").toString("base64");
		expect(proxy.asked[0]?.headers["proxy-authorization"]).toBe(`Basic ${credentials}`);
	});

	it("a tunnel's socket counts as one, and is gone with the sender", async () => {
		await using receiver = await startReceiver();
		await using proxy = await startProxy();
		const sender = openTestSender({ proxy: proxy.url });
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200 });
		expect(sender.stats().sockets).toBe(1);
		await sender.close();
		expect(sender.stats().sockets).toBe(0);
		await receiver.waitForConnections(0);
	});

	it("a resolver that hangs is bounded by the time for connecting", async () => {
		await using proxy = await startProxy();
		const lookup = () => new Promise<never>(() => {});
		await using sender = openTestSender({ proxy: proxy.url, lookup, connectTimeoutMs: 100 });
		expect(await sender.send("http://example.test:81")).toMatchObject({
			error: "timeout",
			reason: "no connection to example.test:81 within 100 ms: its name was being looked up",
		});
	});

	it("a proxy that is not there or hangs up is told apart from the receiver", async () => {
		const proxy = await startProxy("close");
		await using sender = openTestSender({ proxy: proxy.url });
		const unreachable = { error: "unreachable", reason: expect.stringContaining(`the proxy ${proxy.place} failed`) };
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject(unreachable);
		await proxy[Symbol.asyncDispose]();
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject(unreachable);
	});

	it("a proxy that hangs is bounded by the time for connecting", async () => {
		await using proxy = await startProxy("hang");
		await using sender = openTestSender({ proxy: proxy.url, connectTimeoutMs: 100 });
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject({
			error: "timeout",
			reason: `no connection to 127.0.0.1:81 within 100 ms: the proxy ${proxy.place} was being asked for a tunnel`,
		});
	});

	it("a receiver that hangs in the TLS handshake leaves no socket behind", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using proxy = await startProxy();
		await using sender = openTestSender({ proxy: proxy.url, connectTimeoutMs: 100 });
		receiver.greeting = "silent";
		expect(await sender.send(receiver.url)).toMatchObject({ error: "timeout" });
		await receiver.waitForConnections(0);
		await expect.poll(() => sender.stats().sockets).toBe(0);
	});

	it.each([
		"",
		"proxy:3128",
		"https://proxy:3128",
		"socks5://proxy:1080",
		"http://proxy:3128/path",
		"http://user:s3cret@",
	])("a setting that is no proxy is refused by name: %j", (proxy) => {
		const guard = createAddressGuard({ allowNetworks: [], allowHttp: false });
		expect(() => openUndiciSender({ guard, proxy })).toThrow(/^FANFARE_PROXY must be a URL such as ((?!s3cret).)*$/);
	});
});
