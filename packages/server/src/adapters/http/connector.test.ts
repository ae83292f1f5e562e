// Connections: look-ups, checked addresses, failures to connect, TLS.
import type { LookupAddress } from "node:dns";
import { networkInterfaces } from "node:os";

import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { createAddressGuard } from "./address-guard.ts";
import { notInThread, openTestSender, PROJECT } from "./test/open-test-sender.ts";
import { reading } from "./test/reading.ts";

const v4 = (address: string): LookupAddress => ({ address, family: 4 });
const v6 = (address: string): LookupAddress => ({ address, family: 6 });
const answering = (...addresses: LookupAddress[]) => ({ lookup: () => Promise.resolve(addresses) });
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

describe("host names", () => {
	it("are looked up and sent in the host header", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender(answering(v4("127.0.0.1")));
		expect(await sender.send(`http://example.test:${receiver.port}`)).toMatchObject({ responseCode: 200 });
		expect(receiver.requests[0]?.headers.host).toBe(`example.test:${receiver.port}`);
	});

	it("that resolve to a non-public address are refused without a connection", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({
			guard: createAddressGuard({ allowNetworks: [], allowHttp: true }),
			...answering(v4("127.0.0.1")),
		});
		expect(await sender.send(`http://example.test:${receiver.port}`)).toMatchObject({
			responseCode: 0,
			error: "blocked_address",
			reason:
				"the address of example.test is not a public address. Only public addresses may be called, unless FANFARE_ALLOW_HOSTS names the host or FANFARE_ALLOW_NETWORKS its network.",
			detail: "example.test resolves to 127.0.0.1, a loopback address",
		});
		expect(receiver.connectionCount).toBe(0);
	});

	it.each([v4("10.0.0.1"), v6("::ffff:10.0.0.1"), v6("fd00:ec2::254"), v6("64:ff9b::a9fe:a9fe")])(
		"are refused if one of several addresses is $address",
		async (bad) => {
			await using receiver = await startReceiver();
			await using sender = openTestSender(answering(v4("127.0.0.1"), bad));
			expect(await sender.send(`http://example.test:${receiver.port}`)).toMatchObject({ error: "blocked_address" });
			expect(receiver.connectionCount).toBe(0);
		},
	);

	it("are checked on each connection, so that changing the DNS record later gains nothing", async () => {
		await using receiver = await startReceiver();
		let address = "127.0.0.1";
		let now = "first.test";
		await using sender = openTestSender({ lookup: () => Promise.resolve([v4(address)]) });
		receiver.script(() => ({ close: true }));
		expect(await sender.send(`http://${now}:${receiver.port}`)).toMatchObject({ responseCode: 200 });
		address = "192.168.0.1";
		now = "second.test"; // the first name's result is reused for some seconds, and it was checked
		expect(await sender.send(`http://${now}:${receiver.port}`)).toMatchObject({ error: "blocked_address" });
	});

	it("that the operator allows are called at any address, by the project that may", async () => {
		await using receiver = await startReceiver();
		const other = PROJECT.replace("1", "2");
		const hosts = [
			{ host: "crm.test", projectId: PROJECT },
			{ host: "127.0.0.1", projectId: PROJECT },
			{ host: "billing.test", projectId: null },
		];
		const guard = createAddressGuard({ allowNetworks: [], allowHosts: hosts, allowHttp: true });
		await using sender = openTestSender({ guard, ...answering(v4("127.0.0.1")) });
		const result = async (host: string, projectId: string) => {
			const { responseCode, error } = await sender.send(`http://${host}:${receiver.port}`, { projectId });
			return error ?? responseCode;
		};
		expect(await result("billing.test", PROJECT)).toBe(200);
		expect(await result("billing.test", other)).toBe(200);
		for (const host of ["crm.test", "127.0.0.1"]) {
			expect(await result(host, other)).toBe("blocked_address");
			expect(await result(host, PROJECT)).toBe(200);
			// The connection that is open now is not for the other project.
			expect(await result(host, other)).toBe("blocked_address");
		}
		expect(await result("elsewhere.test", PROJECT)).toBe("blocked_address");
		expect(receiver.requests).toHaveLength(4);
	});

	it.each([
		["ENOTFOUND", "no address found for example.test: the name does not exist (ENOTFOUND)"],
		["EAI_AGAIN", "no address found for example.test: the look-up failed (EAI_AGAIN)"],
	])("that cannot be resolved give a dns error: %s", async (code, reason) => {
		const lookup = () => Promise.reject(Object.assign(new Error("getaddrinfo"), { code }));
		await using sender = openTestSender({ lookup });
		expect(await sender.send("http://example.test")).toMatchObject({ responseCode: 0, error: "dns", reason });
	});

	it("without any address give a dns error", async () => {
		await using sender = openTestSender(answering());
		expect(await sender.send("http://example.test")).toMatchObject({ error: "dns" });
	});

	it("are connected by the next address when one does not work", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender(answering(v4("127.0.0.99"), v4("127.0.0.1")));
		expect(await sender.send(`http://example.test:${receiver.port}`)).toMatchObject({ responseCode: 200 });
	});

	it("are looked up with the system's resolver: localhost", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		expect(await sender.send(`http://localhost:${receiver.port}`)).toMatchObject({ responseCode: 200 });
	});
});

describe("a resolver that hangs", () => {
	const hanging = { lookup: () => new Promise<never>(() => {}) };
	/** Far longer than a thread waits to be told that its look-up has begun, also on a busy machine. Otherwise the attempt was never begun. */
	const timeoutMs = 1_000;

	it("is limited by the connect timeout", async () => {
		await using sender = openTestSender({ ...hanging, connectTimeoutMs: 100 });
		expect(await sender.send("http://example.test:81")).toMatchObject({
			error: "timeout",
			reason: "no connection to example.test:81 within 100 ms: its name was being looked up",
		});
	});

	it("makes other attempts of its project wait, and these are no failures if their time is over before their turn", async () => {
		await using sender = openTestSender({ ...hanging, connectTimeoutMs: 600_000 });
		// By default, libuv has threads for two look-ups at once, so that a project may have one.
		const outcomes = ["first.test", "second.test"].map((name) => sender.send(`http://${name}:81`, { timeoutMs }));
		expect(await Promise.all(outcomes)).toMatchObject([
			{ error: "timeout", reason: "no connection to first.test:81 within 1,000 ms" },
			{ error: "queued", reason: "the look-up of the name of second.test:81 could not begin within 1,000 ms" },
		]);
		expect(await sender.send("http://other.test:81", { projectId: "proj_b", timeoutMs })).toMatchObject({
			error: "timeout",
		});
	});

	it("takes nothing of the time limit of those that wait for it", async () => {
		await using receiver = await startReceiver();
		const clock = new ManualClock();
		const first = Promise.withResolvers<LookupAddress[]>();
		const lookup = (name: string) => (name === "first.test" ? first.promise : Promise.resolve([v4("127.0.0.1")]));
		await using sender = openTestSender({ lookup, clock, connectTimeoutMs: 5_000 });
		const slow = sender.send(`http://first.test:${receiver.port}`);
		const later = sender.send(`http://second.test:${receiver.port}`);
		await reading();
		clock.advance(6_000);
		expect(await slow).toMatchObject({ error: "timeout" });
		first.resolve([v4("127.0.0.1")]);
		expect(await later).toMatchObject({ error: null, responseCode: 200 });
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

	it("are also checked by the connector, in case the guard's rule for URLs misses one", async () => {
		await using receiver = await startReceiver();
		notInThread("a thread makes a guard of its own");
		const guard = { ...createAddressGuard({ allowNetworks: [], allowHttp: true }), rejectOrigin: () => null };
		await using sender = openTestSender({ guard });
		expect(await sender.send(receiver.url)).toMatchObject({
			error: "blocked_address",
			reason: expect.stringContaining("the address of 127.0.0.1 is not a public address."),
			detail: null,
		});
		expect(receiver.connectionCount).toBe(0);
	});

	it("are not called over http unless http is allowed", async () => {
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
	it("is a refused error that names the address, if that is public or was asked for", async () => {
		const receiver = await startReceiver();
		const { host, port } = receiver;
		await receiver.close();
		await using sender = openTestSender(answering(v4("127.0.0.1")));
		const refused = { responseCode: 0, error: "refused", reason: `connection refused by ${host}` };
		expect(await sender.send(`http://${host}`)).toMatchObject({ ...refused, detail: null });
		// Whoever registers names would learn what they resolve to in the operator's own network.
		expect(await sender.send(`http://example.test:${port}`)).toMatchObject({
			...refused,
			reason: `connection refused by example.test:${port}`,
			detail: `example.test:${port} was called at ${host}`,
		});
	});

	it("is an unreachable error when there is no route", async () => {
		const guard = createAddressGuard({ allowNetworks: ["224.0.0.0/4"], allowHttp: true });
		await using sender = openTestSender({ guard });
		expect(await sender.send("http://224.0.0.1:81")).toMatchObject({
			error: "unreachable",
			reason: expect.stringMatching(/^224\.0\.0\.1:81 cannot be reached \(E[A-Z]+\)$/),
		});
	});

	it("is a reset error when it drops the connection at once", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.greeting = "reset";
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 0, error: "reset" });
	});
});

describe("TLS", () => {
	it("checks the certificate against the name or the address", async () => {
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

	it("fails with an untrusted certificate, whatever NODE_TLS_REJECT_UNAUTHORIZED says", async () => {
		vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
		onTestFinished(() => void vi.unstubAllEnvs());
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender();
		const outcome = await sender.send(receiver.url);
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

	it("fails when the receiver closes the connection during the handshake", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender();
		receiver.greeting = "close";
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 0, error: "reset" });
	});

	it("is limited by the connect timeout", async () => {
		await using receiver = await startReceiver({ tls: true });
		const clock = new ManualClock();
		await using sender = openTestSender({ clock, connectTimeoutMs: 1_500 });
		receiver.greeting = "silent";
		const sent = sender.send(receiver.url);
		await receiver.waitForConnections(1);
		await reading();
		clock.advance(1_500);
		expect(await sent).toMatchObject({
			error: "timeout",
			reason: `no connection to ${receiver.host} within 1,500 ms: it did not finish the TLS handshake`,
		});
		await receiver.waitForConnections(0);
	});

	it("is aborted at the attempt's deadline", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender();
		receiver.greeting = "silent";
		expect(await sender.send(receiver.url, { timeoutMs: 100 })).toMatchObject({ error: "timeout", responseCode: 0 });
		await receiver.waitForConnections(0);
	});

	it("reports a connection lost during the response like over plain http", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ ca: receiver.ca });
		receiver.respond([{ kind: "reset" }]);
		expect(await sender.send(receiver.url)).toMatchObject({ error: "reset", responseCode: 0 });
		expect(await sender.send(receiver.url)).toMatchObject({ error: null, responseCode: 200 });
	});
});
