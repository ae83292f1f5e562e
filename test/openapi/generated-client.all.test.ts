// A client that a public generator makes from the OpenAPI document: it sends an event and lists it, and the compiler accepts its types.
import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

const PROGRAM = `
import * as api from "./client.ts";

const { URL: baseUrl = "", KEY: key = "", PROJECT: projectId = "" } = process.env;
api.defaults.baseUrl = baseUrl;
api.defaults.headers = { "Secret-Key": key };

const sent = await api.sendEvent(projectId, { type: "order.paid", data: { orderId: 42 }, idempotencyKey: "k" });
if (sent.status !== 202) throw new Error("not accepted: " + JSON.stringify(sent));
const listed = await api.listEvents(projectId, { $type: "order.paid", limit: 10 });
if (listed.status !== 200) throw new Error("not listed: " + JSON.stringify(listed));
const refused = await api.sendEvent(projectId, { type: "not a type", data: 1 });
if (refused.status !== 400) throw new Error("not refused: " + JSON.stringify(refused));
console.log(JSON.stringify({ id: sent.data.id, listed: listed.data.data.map(({ id }) => id), code: refused.data.code }));
`;

it("sends and lists events with the client that oazapfts generates", async () => {
	using folder = new TemporaryDir();
	const client = folder.join("client.ts");
	mkdirSync(folder.join("node_modules"));
	symlinkSync(join(root, "node_modules/@oazapfts"), folder.join("node_modules/@oazapfts"));
	await run(process.execPath, [
		join(root, "node_modules/oazapfts/dist/cli.js"),
		join(root, "docs/openapi.json"),
		client,
	]);
	const program = folder.join("main.ts");
	writeFileSync(program, PROGRAM);
	writeFileSync(folder.join("package.json"), '{ "type": "module" }');
	const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types"), "--allowImportingTsExtensions"];
	const args = [
		"--noEmit",
		"--strict",
		"--skipLibCheck",
		"--module",
		"nodenext",
		"--target",
		"es2024",
		...types,
		program,
	];
	await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...args], { cwd: folder.path }).catch(
		(error: unknown) => expect.unreachable(String((error as { stdout?: string }).stdout)),
	);
	await using server = await startServerProcess();
	const env = { ...process.env, URL: server.url, KEY: server.key, PROJECT: server.projectId };
	const { stdout } = await run(process.execPath, [program], { env });
	const result = JSON.parse(stdout) as { id: string; listed: string[]; code: string };
	expect(result).toEqual({
		id: expect.stringMatching(/^evt_/) as string,
		listed: [result.id],
		code: "invalid_request",
	});
});
