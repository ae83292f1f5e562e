// The package as it is published: checks by publint and attw, the types that it needs, and running the built code.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

const sdk = fileURLToPath(new URL("..", import.meta.url));
const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const home = mkdtempSync(`${tmpdir()}/fanfare-sdk-`);
const built = `${home}/node_modules/@fanfare/sdk`;

/** Runs a script on this Node. Returns its output, or fails with it. */
function run(script: string, args: readonly string[], cwd: string): Promise<string> {
	return new Promise((resolve, reject) => {
		execFile(process.execPath, [script, ...args], { cwd }, (error, stdout, stderr) => {
			if (error === null) resolve(stdout);
			else reject(new Error(`${script} ${args.join(" ")} failed:\n${stdout}${stderr}`));
		});
	});
}

const tsc = (args: readonly string[], cwd: string) => run(`${modules}/typescript/bin/tsc`, args, cwd);

beforeAll(async () => {
	mkdirSync(built, { recursive: true });
	for (const part of ["package.json", "README.md", "src"])
		cpSync(`${sdk}/${part}`, `${built}/${part}`, { recursive: true });
	await tsc(["--project", `${sdk}/tsconfig.build.json`, "--outDir", `${built}/dist`], home);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

it("passes publint", async () => {
	expect(await run(`${modules}/publint/src/cli.js`, ["--strict"], built)).toContain("All good!");
});

it("passes attw as an ES module", async () => {
	const args = ["--pack", ".", "--profile", "esm-only", "--format", "json"];
	const report = JSON.parse(await run(`${modules}/@arethetypeswrong/cli/dist/index.js`, args, built)) as {
		analysis: { entrypoints: Record<string, { resolutions: Record<string, { resolution?: { fileName: string } }> }> };
	};
	const { resolutions } = report.analysis.entrypoints["."]!;
	for (const kind of ["node16-esm", "bundler"]) {
		expect(resolutions[kind]?.resolution?.fileName).toBe("/node_modules/@fanfare/sdk/dist/index.d.ts");
	}
});

it("has no dependencies", () => {
	const manifest = JSON.parse(readFileSync(`${sdk}/package.json`, "utf8")) as Record<string, unknown>;
	for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"])
		expect(manifest[kind]).toBeUndefined();
});

it("runs in its built form", async () => {
	writeFileSync(
		`${home}/run.mjs`,
		'import { utils } from "@fanfare/sdk"; console.log(import.meta.resolve("@fanfare/sdk"), utils.generateWebhookSecret().length);',
	);
	expect(await run(`${home}/run.mjs`, [], home)).toMatch(/\/dist\/index\.js 50\n$/);
});

describe("its types compile", () => {
	const strict = [
		"--noEmit",
		"--strict",
		"--exactOptionalPropertyTypes",
		"--noUncheckedIndexedAccess",
		"--target",
		"es2022",
	];
	const use = `
		import { Client, verify, NotFoundError, type Webhook } from "@fanfare/sdk";
		const client = new Client("sk", { fetch: async (url, init) => ({ status: 200, headers: { get: () => null }, text: async () => url + init.method }) });
		const project = client.project("proj_1");
		for await (const webhook of project.batch.webhooks.list()) { const delay: number = webhook.retries.maxRetryDelay; }
		const page = await project.events.list({ limit: undefined });
		const [result] = await project.events.sendBatch([{ type: "a", data: 1, timestamp: undefined }]);
		if (result?.error === undefined) { const id: string | undefined = result?.event.id; } else { const text: string = result.error.message; }
		const event = await verify<{ n: number }>(new Uint8Array(), { "webhook-id": ["a"] }, ["s"]);
		const n: number = event.data.n;
		// @ts-expect-error -- the types must refuse what follows
		await project.batch.webhooks.create({ name: "n", spec: {} });
		// @ts-expect-error -- the types must refuse what follows
		const wrong: string = page.data[0]?.deliveryCount;
		export { NotFoundError, type Webhook, n };
	`;
	const withFetch = `${use}
		new Client("sk", { fetch });
		await client.getInfo({ signal: new AbortController().signal });
		await verify("", new Headers(), "s");
		export const handler = (request: Request) => request.text().then((body) => verify(body, request.headers, "s"));
	`;

	it.each<[string, string, string[]]>([
		["neither the DOM's nor Node's", use, ["--lib", "es2022", "--types", ""]],
		["the DOM's", withFetch, ["--lib", "es2022,dom,dom.iterable", "--types", ""]],
		["Node's", withFetch, ["--lib", "es2022", "--types", "node", "--typeRoots", `${modules}/@types`]],
	])("with %s types, library checks included", async (name, source, args) => {
		const file = `${home}/${name.replace(/\W/g, "")}.mts`;
		writeFileSync(file, source);
		for (const resolution of [
			["nodenext", "nodenext"],
			["esnext", "bundler"],
		] as const) {
			const [module, moduleResolution] = resolution;
			await tsc([...strict, "--module", module, "--moduleResolution", moduleResolution, ...args, file], home);
		}
	});
});

it("has a README whose code compiles", async () => {
	const blocks = [...readFileSync(`${sdk}/README.md`, "utf8").matchAll(/^```ts\n([^]*?)^```$/gm)].map(
		(match) => match[1]!,
	);
	expect(blocks.length).toBeGreaterThanOrEqual(4);
	const folder = `${home}/readme`;
	mkdirSync(`${folder}/node_modules/@fanfare`, { recursive: true });
	symlinkSync(`${modules}/hono`, `${folder}/node_modules/hono`);
	symlinkSync(built, `${folder}/node_modules/@fanfare/sdk`);
	const files = blocks.map((code, n) => {
		writeFileSync(`${folder}/${n}.mts`, `${code}\nexport {};\n`);
		return `${n}.mts`;
	});
	const node = ["--types", "node", "--typeRoots", `${modules}/@types`, "--skipLibCheck"];
	await tsc(
		["--noEmit", "--strict", "--target", "es2024", "--lib", "es2024", "--module", "nodenext", ...node, ...files],
		folder,
	);
});
