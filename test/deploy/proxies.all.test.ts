// The configurations of deploy/proxies as they are, in front of a real server. Only places, ports and the certificate are put in.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request as requestPlain, type IncomingMessage } from "node:http";
import { request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { findDebianProgram } from "@fanfare/testkit/programs/debian-program";
import { freePort, startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { sayIfSkipped } from "./skipped.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const config = (name: string) => readFileSync(join(root, "deploy/proxies", name), "utf8");

/** A proxy that runs until it is disposed. */
interface Proxy extends AsyncDisposable {
	readonly port: number;
	readonly isTls: boolean;
}

/** Puts texts in the place of those of the page, each of which must be there. */
function put(page: string, texts: Readonly<Record<string, string>>): string {
	let result = page;
	for (const [theirs, own] of Object.entries(texts)) {
		expect(result).toContain(theirs);
		result = result.replaceAll(theirs, own);
	}
	return result;
}

async function startProxy(path: string, args: readonly string[], port: number, isTls: boolean, dir: TemporaryDir) {
	const child = spawn(path, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: dir.path } });
	let stderr = "";
	child.stderr.setEncoding("utf8").on("data", (part: string) => (stderr += part));
	const exited = once(child, "exit");
	const proxy: Proxy = {
		port,
		isTls,
		[Symbol.asyncDispose]: async () => {
			child.kill("SIGTERM");
			await exited;
			dir[Symbol.dispose]();
		},
	};
	await eventually(`${path} to answer`, async () => {
		if (child.exitCode !== null) throw new Error(stderr);
		return (await get(proxy, "/healthz").catch(() => null))?.status === 200;
	});
	return proxy;
}

async function startNginx(server: ServerProcess, path: string): Promise<Proxy> {
	const dir = new TemporaryDir();
	const port = await freePort();
	const [pem, key] = [dir.join("fanfare.pem"), dir.join("fanfare.key")];
	const subject = ["-subj", "/CN=fanfare.example.com", "-days", "2", "-newkey", "rsa:2048", "-nodes"];
	execFileSync("openssl", ["req", "-x509", ...subject, "-keyout", key, "-out", pem], { stdio: "ignore" });
	const own = put(config("nginx.conf"), {
		"listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
		"127.0.0.1:8787": `127.0.0.1:${server.port}`,
		"/etc/ssl/fanfare.pem": pem,
		"/etc/ssl/fanfare.key": key,
	});
	writeFileSync(dir.join("fanfare.conf"), own);
	const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
	for (const name of temporary) mkdirSync(dir.join(name));
	const paths = temporary.map((name) => `${name}_temp_path ${dir.join(name)};`).join("\n");
	const rest = `user root; pid ${dir.join("pid")}; error_log stderr; daemon off; events {}`;
	const main = `${process.getuid?.() === 0 ? rest : rest.replace("user root; ", "")}
		http { access_log off; ${paths} include ${dir.join("fanfare.conf")}; }`;
	writeFileSync(dir.join("nginx.conf"), main);
	const args = ["-c", dir.join("nginx.conf"), "-e", "stderr", "-p", dir.path];
	execFileSync(path, [...args, "-t"], { stdio: "pipe" });
	return startProxy(path, args, port, true, dir);
}

async function startCaddy(server: ServerProcess, path: string): Promise<Proxy> {
	const dir = new TemporaryDir();
	const port = await freePort();
	const own = put(config("Caddyfile"), {
		"fanfare.example.com {": `http://127.0.0.1:${port} {`,
		"127.0.0.1:8787": `127.0.0.1:${server.port}`,
	});
	writeFileSync(dir.join("Caddyfile"), `{\n\tadmin off\n}\n${own}`);
	const args = ["--config", dir.join("Caddyfile"), "--adapter", "caddyfile"];
	execFileSync(path, ["validate", ...args], { stdio: "pipe", env: { ...process.env, HOME: dir.path } });
	return startProxy(path, ["run", ...args], port, false, dir);
}

interface Answer {
	readonly status: number;
	readonly body: string;
}

/** Sends a request from 127.0.0.2, which is no trusted proxy. */
function open(proxy: Proxy, path: string, options: RequestOptions = {}) {
	const common = { host: "127.0.0.1", port: proxy.port, path, localAddress: "127.0.0.2", agent: false };
	return proxy.isTls
		? request({ ...common, ...options, servername: "fanfare.example.com", rejectUnauthorized: false })
		: requestPlain({ ...common, ...options });
}

async function get(proxy: Proxy, path: string, options: RequestOptions = {}, body = ""): Promise<Answer> {
	const sent = open(proxy, path, options);
	sent.end(body);
	const [response] = (await once(sent, "response")) as [IncomingMessage];
	return { status: response.statusCode ?? 0, body: await text(response) };
}

const PROXIES = [
	["nginx", await findDebianProgram("nginx", "usr/sbin/nginx"), startNginx],
	["caddy", await findDebianProgram("caddy", "usr/bin/caddy"), startCaddy],
] as const;
for (const [, program] of PROXIES) sayIfSkipped(program);

describe.each(PROXIES)("%s", (_, { path }, start) => {
	it.skipIf(path === null)("passes on calls and live items, names the client, and hides the metrics", async () => {
		await using server = await startServerProcess({ env: { FANFARE_TRUSTED_PROXIES: "127.0.0.1" } });
		await using proxy = await start(server, path!);
		const headers = { "secret-key": server.key, "content-type": "application/json" };
		const project = `/projects/${server.projectId}`;

		expect((await get(proxy, "/metrics")).status).toBe(404);
		expect((await fetch(`${server.url}/metrics`)).status).toBe(200);

		// The server's own answer to a body that is too big.
		const tooBig = "x".repeat(5.5 * 1_024 * 1_024);
		const refused = await get(proxy, `${project}/events:batch`, { method: "POST", headers }, tooBig);
		expect([refused.status, refused.body]).toEqual([413, expect.stringContaining('"payload_too_large"')]);

		// An item of the live stream comes while the response goes on.
		const stream = open(proxy, `${project}/stream`, { headers });
		stream.end();
		const [response] = (await once(stream, "response")) as [IncomingMessage];
		expect(response.statusCode).toBe(200);
		let items = "";
		response.setEncoding("utf8").on("data", (part: string) => (items += part));
		const forged = { ...headers, "x-forwarded-for": "203.0.113.9" };
		const sent = JSON.stringify({ type: "order.paid", data: 1 });
		const { status, body } = await get(proxy, `${project}/events`, { method: "POST", headers: forged }, sent);
		expect(status).toBe(202);
		const { id } = JSON.parse(body) as { id: string };
		await eventually("the item", () => items.includes(id));
		stream.destroy();

		// The client's address, and not what the client says of itself.
		const line = await eventually("the log line", () =>
			server.stdout.split("\n").find((text) => text.includes('"POST"') && text.includes('"status":202')),
		);
		expect(JSON.parse(line)).toMatchObject({ clientAddress: "127.0.0.2" });
	});
});
