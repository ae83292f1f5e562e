// The built package: the types that it needs, and running its code. test/packages.all.test.ts checks the packed tarball.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { publicMembers } from "./public-members.ts";

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
	const strict = "--noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --target es2022".split(" ");
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
		// Other ways to find them: test/packages.all.test.ts.
		await tsc([...strict, "--module", "nodenext", ...args, file], home);
	});
});

describe("its types", () => {
	const flags = [
		"--noEmit",
		"--strict",
		"--target",
		"es2022",
		"--lib",
		"es2022",
		"--types",
		"",
		"--module",
		"nodenext",
	];
	/** What the compiler says about a program with a client `client` of `ShopEvents`. */
	async function complaints(name: string, code: string): Promise<string> {
		const file = `${home}/${name}.mts`;
		const source = `import { BatchError, Client, utils } from "@fanfare/sdk";
			interface ShopEvents { "order.paid": { readonly orderId: number }; "order.shipped": { readonly parcel: string } }
			const client = new Client<ShopEvents>("sk_x");
			const project = client.project("proj_1");
			${code}`;
		writeFileSync(file, `${source}\nexport { BatchError, project, utils };\n`);
		return tsc([...flags, file], home).then(
			() => "",
			(error: unknown) => String(error),
		);
	}

	it("take the event types of the client, if it has any", async () => {
		const code = `
			await project.batch.webhooks.update("webhook_1", { spec: { timeoutMs: 5_000 } });
			await project.events.send({ type: "order.paid", data: { orderId: 1 }, idempotencyKey: "k" });
			await (await client.getProject("proj_1")).events.sendBatch([{ type: "order.shipped", data: { parcel: "p" } }]);
			for (const one of await client.listProjects()) await one.events.send({ type: "order.paid", data: { orderId: 1 } });
			await (await client.projects.create({ name: "a" })).events.send({ type: "order.paid", data: { orderId: 1 } });
			try { } catch (error) { if (error instanceof BatchError) await project.events.sendBatch(error.remaining); }
			// @ts-expect-error -- no such type
			await project.events.send({ type: "order.payed", data: { orderId: 1 } });
			// @ts-expect-error -- the data of another type
			await project.events.send({ type: "order.shipped", data: { orderId: 1 } });
			// @ts-expect-error -- the same in a batch
			await project.events.sendBatch([{ type: "order.paid", data: { orderId: "1" } }]);
			await new Client("sk_x").project("proj_1").events.send({ type: "any.type", data: Symbol });
			const one: { type: string; data: unknown } = { type: "any.type", data: 1 };
			await new Client("sk_x").project("proj_1").events.send(one);`;
		expect(await complaints("typed", code)).toBe("");
	});

	const update = (spec: string) => `await project.batch.webhooks.update("webhook_1", { spec: { ${spec} } });`;
	it.each([
		["a secret in an update", update("secret: utils.generateWebhookSecret()"), /use updateSecret|UseUpdateSecret/],
		["an object with one", update('secret: { contents: "whsec_x" }'), /use updateSecret|UseUpdateSecret/],
		["an option that does not exist", 'new Client("sk_x", { endPoint: "http://127.0.0.1" });', /endPoint/],
		["a parameter that only tests of the SDK use", 'new Client("sk_x", {}, {});', /Expected 1-2 arguments/],
	])("refuse %s", async (_name, code, words) => expect(await complaints("refused", code)).toMatch(words));
});

describe("what an editor shows", () => {
	it("has a text for every declaration and every member", () => {
		const members = publicMembers(`${built}/dist`);
		expect(members.length).toBeGreaterThan(600);
		expect(members.filter(({ hasText }) => !hasText).map(({ name }) => name)).toEqual([]);
	});

	it("says of verifySignature what it does not protect", () => {
		expect(readFileSync(`${built}/dist/verify.d.ts`, "utf8").replace(/\s*\n \* /g, " ")).toContain(
			"If the body is not a JSON object, this does not protect the id and the timestamp.",
		);
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
