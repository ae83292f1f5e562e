// A machine without a free local port for another connection to one address: a network of its own with two ports.
import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const SETUP = "ip link set lo up && echo 41000 41001 > /proc/sys/net/ipv4/ip_local_port_range";

/** Two interfaces: one has an IPv6 address, and the way to all others is by the other one, which may use none but its own. */
const OTHER_NETWORK = [
	"ip link add v0 type veth peer name v1",
	"echo 1 > /proc/sys/net/ipv6/conf/v1/addr_gen_mode",
	"echo 1 > /proc/sys/net/ipv6/conf/v1/use_oif_addrs_only",
	"ip link set v0 up",
	"ip link set v1 up",
	"ip addr add fd00::2/64 dev v0 nodad",
	"ip -6 route add default dev v1",
].join(" && ");

function networkIssue(setup = SETUP): string | null {
	try {
		execFileSync("unshare", ["--net", "sh", "-c", setup], { stdio: "pipe" });
		return null;
	} catch (error) {
		return `a network of its own can't be made here, which needs root on Linux: ${String(error)}`;
	}
}

const issue = networkIssue();
if (issue !== null) process.stderr.write(`ports.test.ts is skipped: ${issue}\n`);

const pairIssue = networkIssue(OTHER_NETWORK);
if (issue === null && pairIssue !== null)
	process.stderr.write(`a test of ports.test.ts is skipped, which needs a pair of interfaces: ${pairIssue}\n`);

it.runIf(process.env["CI"] === "true")("can be tested on the CI machine", () => {
	expect(issue).toBeNull();
});

/** Runs a program in a network of its own, after a command of the shell. Returns what it writes, as JSON. */
async function runAlone(setup: string, program: string): Promise<unknown> {
	using dir = new TemporaryDir();
	writeFileSync(dir.join("program.mjs"), program);
	const command = `${setup} && exec "$0" "$1"`;
	const { stdout } = await run("unshare", ["--net", "sh", "-c", command, process.execPath, dir.join("program.mjs")], {
		timeout: DEADLINE_MS,
	});
	return JSON.parse(stdout);
}

const SENDER = JSON.stringify(new URL("./test/open-test-sender.ts", import.meta.url));
const GUARD = JSON.stringify(new URL("./address-guard.ts", import.meta.url));

describe.skipIf(issue !== null)("attempts for which there is no port", () => {
	it.each([
		["127.0.0.1", "127.0.0.1"],
		["::1", "[::1]"],
	])("are given back, and later ones wait for one: %s", async (address, host) => {
		const program = `
			import { once } from "node:events";
			import { createServer } from "node:http";
			import { openTestSender } from ${SENDER};
			const answers = [];
			const receiver = createServer((request, response) => answers.push(response)).listen(9000, "${address}");
			await once(receiver, "listening");
			await using sender = openTestSender();
			const send = () => sender.send("http://${host}:9000/");
			const [a, b] = [send(), send()];
			while (answers.length < 2) await once(receiver, "request");
			const third = await send();
			const later = send();
			for (const answer of answers.splice(0)) answer.writeHead(200).end();
			await Promise.all([a, b]);
			while (answers.length < 1) await once(receiver, "request");
			answers[0].writeHead(202).end();
			process.stdout.write(JSON.stringify([third, await later]));
			receiver.closeAllConnections();
			receiver.close();
		`;
		expect(await runAlone(SETUP, program)).toMatchObject([
			{
				error: "queued",
				reason: `this machine has no free port for another connection to ${host}:9000 (EADDRNOTAVAIL)`,
			},
			{ error: null, responseCode: 202 },
		]);
	});

	it("are given back also if all ports are used by connections to the proxy", async () => {
		const program = `
			import { once } from "node:events";
			import { createServer } from "node:http";
			import { openTestSender } from ${SENDER};
			const tunnels = [];
			const proxy = createServer().on("connect", (_request, socket) => tunnels.push(socket)).listen(9000, "127.0.0.1");
			await once(proxy, "listening");
			await using sender = openTestSender({ proxy: "http://127.0.0.1:9000" });
			const [a, b] = [sender.send("http://127.0.0.2:9001/"), sender.send("http://127.0.0.3:9001/")];
			while (tunnels.length < 2) await once(proxy, "connect");
			const third = await sender.send("http://127.0.0.4:9001/");
			for (const socket of tunnels) socket.destroy();
			const [first] = await Promise.all([a, b]);
			process.stdout.write(JSON.stringify([third, first]));
			proxy.close();
		`;
		expect(await runAlone(SETUP, program)).toMatchObject([
			{
				error: "queued",
				reason: "this machine has no free port for another connection to 127.0.0.1:9000 (EADDRNOTAVAIL)",
			},
			{ error: "unreachable", reason: expect.stringContaining("the proxy 127.0.0.1:9000 failed") as string },
		]);
	});

	it.skipIf(pairIssue !== null)(
		"are told from those to an IPv6 address that a machine with IPv6 on another network alone can't call",
		async () => {
			const program = `
				import { createAddressGuard } from ${GUARD};
				import { openTestSender } from ${SENDER};
				const guard = createAddressGuard({ allowNetworks: ["2001:db8::/32"], allowHttp: true });
				await using sender = openTestSender({ guard, proxy: process.env.TEST_PROXY });
				const [first, second] = [await sender.send("http://[2001:db8::1]/"), await sender.send("http://[2001:db8::1]/")];
				process.stdout.write(JSON.stringify([first, second]));
			`;
			const unreachable = { error: "unreachable", reason: "[2001:db8::1]:80 cannot be reached (EADDRNOTAVAIL)" };
			expect(await runAlone(`${SETUP} && ${OTHER_NETWORK}`, program)).toMatchObject([unreachable, unreachable]);
			const viaProxy = `export TEST_PROXY="http://[2001:db8::2]:3128"`;
			const failed = {
				error: "unreachable",
				reason: "the proxy [2001:db8::2]:3128 failed: [2001:db8::2]:3128 cannot be reached (EADDRNOTAVAIL)",
			};
			expect(await runAlone(`${SETUP} && ${OTHER_NETWORK} && ${viaProxy}`, program)).toMatchObject([failed, failed]);
		},
	);

	it("are told from those to an IPv6 address that a machine without IPv6 can't call", async () => {
		const program = `
			import { openTestSender } from ${SENDER};
			await using sender = openTestSender();
			process.stdout.write(JSON.stringify(await sender.send("http://[::1]:9000/")));
		`;
		const withoutIpv6 = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6";
		expect(await runAlone(`${SETUP} && ${withoutIpv6}`, program)).toMatchObject({
			error: "unreachable",
			reason: "[::1]:9000 cannot be reached (EADDRNOTAVAIL)",
		});
	});
});
