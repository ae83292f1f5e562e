// Attempts through a proxy: receivers' addresses are still checked, and failures of proxy and receiver are told apart.
import type { LookupAddress } from "node:dns";

import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { systemClock } from "../system/system-clock.ts";
import { createAddressGuard } from "./address-guard.ts";
import { startProxy } from "./test/connect-proxy.ts";
import { notInThread, openSender, openTestSender } from "./test/open-test-sender.ts";

const v4 = (address: string): LookupAddress => ({ address, family: 4 });
const v6 = (address: string): LookupAddress => ({ address, family: 6 });
const answering = (...addresses: LookupAddress[]) => ({ lookup: () => Promise.resolve(addresses) });

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

	it("an IPv6 address is requested in brackets, and the receiver's certificate is checked", async () => {
		await using proxy = await startProxy(502);
		await using sender = openTestSender({ proxy: proxy.url, ...answering(v6("::1")) });
		await sender.send("https://example.test");
		expect(proxy.asked[0]?.url).toBe("[::1]:443");
		await using receiver = await startReceiver({ tls: true });
		await using honest = await startProxy();
		await using strict = openTestSender({ proxy: honest.url });
		expect(await strict.send(receiver.url)).toMatchObject({ error: "tls" });
	});

	it.each(["http://example.test", "http://10.0.0.1"])("the receiver's address is still checked: %s", async (url) => {
		await using proxy = await startProxy();
		notInThread("a thread makes a guard of its own");
		const guard = { ...createAddressGuard({ allowNetworks: [], allowHttp: true }), rejectOrigin: () => null };
		await using sender = openTestSender({ proxy: proxy.url, guard, ...answering(v4("10.0.0.1")) });
		expect(await sender.send(url)).toMatchObject({ error: "blocked_address" });
		expect(proxy.asked).toEqual([]);
	});

	it.each(["billing.test", "a.corp.test", "127.0.0.1", "near.test"])(
		"FANFARE_NO_PROXY has %s called directly, and nothing else",
		async (host) => {
			await using receiver = await startReceiver();
			await using proxy = await startProxy();
			const lookup = (name: string) => Promise.resolve([v4(name === "near.test" ? "127.0.0.2" : "127.0.0.1")]);
			const noProxy = ["billing.test", ".corp.test", "127.0.0.2"];
			if (host === "127.0.0.1") noProxy.push(host);
			await using sender = openTestSender({ proxy: proxy.url, noProxy, lookup });
			await sender.send(`http://${host}:${receiver.port}`);
			expect(proxy.asked).toEqual([]);
			for (const other of ["a.billing.test", "corp.test", "xbilling.test", "127.0.0.3"]) {
				await sender.send(`http://${other}:${receiver.port}`);
			}
			expect(proxy.asked).toHaveLength(host === "127.0.0.1" ? 1 : 4);
		},
	);

	it("an address on the way past the proxy is still checked", async () => {
		await using receiver = await startReceiver();
		await using proxy = await startProxy();
		const guard = createAddressGuard({ allowNetworks: [], allowHttp: true });
		await using sender = openTestSender({
			proxy: proxy.url,
			noProxy: ["example.test", "127.0.0.0/8"],
			guard,
			...answering(v4("127.0.0.1")),
		});
		for (const host of ["example.test", "other.test"]) {
			expect(await sender.send(`http://${host}:${receiver.port}`)).toMatchObject({ error: "blocked_address" });
		}
		expect([receiver.connectionCount, proxy.asked.length]).toEqual([0, 0]);
	});

	it("the machine's own variables for proxies count for nothing", async () => {
		await using receiver = await startReceiver();
		await using proxy = await startProxy();
		onTestFinished(() => void vi.unstubAllEnvs());
		for (const name of ["NO_PROXY", "no_proxy"]) vi.stubEnv(name, "*");
		await using through = openTestSender({ proxy: proxy.url });
		expect(await through.send(receiver.url)).toMatchObject({ responseCode: 200 });
		expect(proxy.asked).toHaveLength(1);
		vi.unstubAllEnvs();
		for (const name of ["HTTP_PROXY", "http_proxy", "NODE_USE_ENV_PROXY"]) vi.stubEnv(name, proxy.url);
		await using directly = openTestSender();
		expect(await directly.send(receiver.url)).toMatchObject({ responseCode: 200 });
		expect(proxy.asked).toHaveLength(1);
	});

	it("a name's private address is in the detail alone if the proxy can't connect to it", async () => {
		await using proxy = await startProxy(502);
		await using sender = openTestSender({ proxy: proxy.url, ...answering(v4("127.0.0.1")) });
		expect(await sender.send("http://example.test:81")).toMatchObject({
			reason: `the proxy ${proxy.place} did not connect to example.test:81 (502 Bad Gateway)`,
			detail: "example.test:81 was called at 127.0.0.1:81",
		});
	});

	it.each([
		[407, "rejected the credentials in FANFARE_PROXY (407)"],
		[403, "did not connect to 127.0.0.1:81 (403 Forbidden)"],
		[502, "did not connect to 127.0.0.1:81 (502 Bad Gateway)"],
		[599, "did not connect to 127.0.0.1:81 (599)"],
	])("a %i of the proxy is reported", async (status, words) => {
		await using proxy = await startProxy(status);
		await using sender = openTestSender({ proxy: proxy.url });
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject({
			responseCode: 0,
			error: "unreachable",
			reason: `the proxy ${proxy.place} ${words}`,
		});
		await expect.poll(() => proxy.sockets.size).toBe(0);
	});

	it("data that the proxy sends before the tunnel is used is not taken for a response", async () => {
		await using proxy = await startProxy("talk");
		await using sender = openTestSender({ proxy: proxy.url });
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject({
			responseCode: 0,
			error: "unreachable",
			reason: `the proxy ${proxy.place} sent data before the tunnel was used`,
		});
		await expect.poll(() => proxy.sockets.size).toBe(0);
	});

	it("a password may contain a percent sign that escapes nothing", async () => {
		await using proxy = await startProxy(502);
		await using sender = openTestSender({ proxy: `http://user:100%@${proxy.place}` });
		await sender.send("http://127.0.0.1:81");
		const credentials = Buffer.from("user:100%").toString("base64");
		expect(proxy.asked[0]?.headers["proxy-authorization"]).toBe(`Basic ${credentials}`);
	});

	it("a tunnel counts as one socket, and is closed with the sender", async () => {
		await using receiver = await startReceiver();
		await using proxy = await startProxy();
		const sender = openTestSender({ proxy: proxy.url });
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200 });
		expect(sender.stats().sockets).toBe(1);
		await sender.close();
		expect(sender.stats().sockets).toBe(0);
		await receiver.waitForConnections(0);
	});

	it("a proxy that is down or closes the connection is told apart from the receiver", async () => {
		const proxy = await startProxy("close");
		await using sender = openTestSender({ proxy: proxy.url });
		const unreachable = { error: "unreachable", reason: expect.stringContaining(`the proxy ${proxy.place} failed`) };
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject(unreachable);
		await proxy[Symbol.asyncDispose]();
		expect(await sender.send("http://127.0.0.1:81")).toMatchObject(unreachable);
	});

	it("a proxy that hangs is limited by the connect timeout", async () => {
		await using proxy = await startProxy("hang");
		const clock = new ManualClock();
		await using sender = openTestSender({ proxy: proxy.url, clock, connectTimeoutMs: 1_000 });
		const sent = sender.send("http://127.0.0.1:81");
		await expect.poll(() => proxy.asked).toHaveLength(1);
		clock.advance(1_000);
		expect(await sent).toMatchObject({
			error: "timeout",
			reason: `no connection to 127.0.0.1:81 within 1,000 ms: the proxy ${proxy.place} was being asked for a tunnel`,
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
	])("a value that is not a proxy URL is refused, and the error names the setting: %j", (proxy) => {
		const guard = createAddressGuard({ allowNetworks: [], allowHttp: false });
		expect(() => openSender({ guard, clock: systemClock, proxy })).toThrow(
			/^FANFARE_PROXY must be a URL such as ((?!s3cret).)*$/,
		);
	});
});
