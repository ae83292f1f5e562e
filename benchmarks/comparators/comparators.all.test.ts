import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { eventually } from "@fanfare/testkit/eventually";
import { COMPILE_CACHE } from "@fanfare/testkit/programs/compile-cache";
import { findRedisServer, HOW_TO_GET_REDIS } from "@fanfare/testkit/programs/find-redis";
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { fastParent } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { newDelivery } from "./deliver.ts";
import { jobOf } from "./job-queue.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
/** Only a run that hangs takes this long. */
const WITHIN_MS = 1_800_000;

/** A quick run of the scenario. Returns what it printed. */
async function bench(dir: string, env: NodeJS.ProcessEnv): Promise<string> {
	const node = [`--import=${COMPILE_CACHE}`, "--conditions=@fanfare/source", MAIN];
	const args = [...node, "--scenario", "comparators", "--quick", "--dir", dir];
	const options = { env: { ...process.env, ...env }, timeout: WITHIN_MS };
	return (await promisify(execFile)(process.execPath, args, options)).stdout;
}

/** A folder with programs and packages that stand in for those of others. `log` gets the ids of their processes. */
async function makeFakes(dir: string, packages: readonly string[]) {
	const [program, log] = [join(dir, "redis-server"), join(dir, "log")];
	const place = (name: string) => new URL(`fakes/${name}.ts`, import.meta.url);
	const script = `#!/bin/sh\nexec "${process.execPath}" "${fileURLToPath(place("redis-server"))}" "$@"\n`;
	await writeFile(program, script, { mode: 0o755 });
	await writeFile(log, "");
	for (const name of packages) {
		const folder = join(dir, "node_modules", name);
		await mkdir(folder, { recursive: true });
		const entry = { name, version: "0.0.1-fake", type: "module", exports: { ".": "./index.js" } };
		await writeFile(join(folder, "package.json"), JSON.stringify(entry));
		await writeFile(join(folder, "index.js"), `export * from ${JSON.stringify(place(name).href)};\n`);
	}
	return { log, env: { FANFARE_TEST_REDIS_SERVER: program, FANFARE_BENCH_PACKAGES: dir, FAKES_LOG: log } };
}

function isGone(pid: number): boolean {
	try {
		return !process.kill(pid, 0);
	} catch {
		return true;
	}
}

/** Everything that is measured of a contender at a rate. */
function measured(at: string, who: string): RegExp {
	const value = "+[\\d,.]+";
	return new RegExp(
		[`CPU ${value} µs`, `accepted, p50 ${value} ms`, `received, p50 ${value} ms`, `received, p99 ${value} ms`]
			.map((line) => `${at}: ${who}: ${line}`)
			.join("[^]*"),
	);
}

describe("the comparators", () => {
	it("deliver the same events in turns, lose nothing and leave nothing behind", { timeout: WITHIN_MS }, async () => {
		const hasPostgres = postgresIssue() === null;
		await using fakes = await mkdtempDisposable(join(fastParent(), "fanfare-fakes-"));
		await using directory = await mkdtempDisposable(join(fastParent(), "fanfare-bench-test-"));
		const { log, env } = await makeFakes(fakes.path, ["bullmq", "graphile-worker"]);
		const stdout = await bench(directory.path, env);

		const names = ["Fanfare", "BullMQ, always", "BullMQ, everysec", ...(hasPostgres ? ["graphile-worker"] : [])];
		for (const name of names) {
			for (const at of ["200/s", "1,000/s"]) expect(stdout).toMatch(measured(at, name));
			expect(stdout).toMatch(new RegExp(`full load: ${name}: delivered per second +[\\d,]+`));
			const database = name === "Fanfare" ? "" : ", database \\d+";
			expect(stdout).toMatch(new RegExp(`full load, ${name}: µs of client \\d+, server \\d+${database}`));
		}
		expect(stdout).toMatch(/200\/s: the floor: CPU +[\d.]+ µs/);
		expect(stdout).toContain("comparators: bullmq 0.0.1-fake; Redis 0.0.1-fake");
		expect(stdout).not.toContain("came twice");

		expect(await readdir(directory.path)).toEqual([]);
		const pids = (await readFile(log, "utf8")).trim().split("\n").map(Number);
		expect(pids).toHaveLength(hasPostgres ? 5 : 3);
		await eventually("all processes to end", () => pids.every(isGone));
	});

	it("are left out with the reason if they are missing", { timeout: WITHIN_MS }, async () => {
		await using fakes = await mkdtempDisposable(join(fastParent(), "fanfare-fakes-"));
		await using directory = await mkdtempDisposable(join(fastParent(), "fanfare-bench-test-"));
		const { env } = await makeFakes(fakes.path, []);
		const stdout = await bench(directory.path, env);
		expect(stdout).toContain("bullmq is skipped: FANFARE_BENCH_PACKAGES has no node_modules/bullmq");
		expect(stdout).toMatch(/200\/s: BullMQ, always: CPU +–/);
		expect(stdout).toMatch(measured("200/s", "Fanfare"));
	});

	// CI installs nothing that the project does not depend on.
	it.skipIf(process.env["CI"] === "true")(
		"are the real ones outside of CI, if Redis and the registry are there",
		{ timeout: WITHIN_MS },
		async ({ skip }) => {
			if (findRedisServer() === null) skip(HOW_TO_GET_REDIS);
			await using directory = await mkdtempDisposable(join(fastParent(), "fanfare-bench-test-"));
			const stdout = await bench(directory.path, {});
			const missing = /is skipped: (npm install .*)/.exec(stdout)?.[1];
			if (missing !== undefined) skip(missing);
			expect(stdout).toMatch(/comparators: bullmq [\d.]+, ioredis [\d.]+; Redis \d/);
			for (const name of ["Fanfare", "BullMQ, always", "BullMQ, everysec"]) {
				expect(stdout).toMatch(measured("1,000/s", name));
			}
			expect(await readdir(directory.path)).toEqual([]);
		},
	);
});

describe("a job's delivery", () => {
	it("POSTs the body with the headers of Standard Webhooks, and fails unless the receiver takes it", async () => {
		let status = 200;
		const requests: { readonly headers: NodeJS.Dict<string | string[]>; readonly body: string }[] = [];
		const server = createServer((request, response) => {
			let body = "";
			request.setEncoding("utf8").on("data", (text: string) => (body += text));
			request.on("end", () => {
				requests.push({ headers: request.headers, body });
				response.writeHead(status).end("thank you");
			});
		});
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		try {
			const deliver = newDelivery(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, 1);
			const job = jobOf({ type: "order.paid", data: { seq: "1" } });
			await deliver(job);
			expect(requests[0]).toMatchObject({
				body: job.body,
				headers: {
					"content-type": "application/json",
					"webhook-id": job.id,
					"webhook-timestamp": expect.stringMatching(/^\d{10}$/) as string,
					"webhook-signature": expect.stringMatching(/^v1,[\w+/]{43}=$/) as string,
				},
			});
			expect(JSON.parse(job.body)).toEqual({
				type: "order.paid",
				timestamp: expect.any(String) as string,
				data: { seq: "1" },
			});
			status = 500;
			await expect(deliver(job)).rejects.toThrow("the receiver responded with 500");
		} finally {
			server.close();
			server.closeAllConnections();
		}
	});
});
