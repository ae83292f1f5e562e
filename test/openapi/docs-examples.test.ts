// The TypeScript examples of /docs/api: the compiler accepts each of them.
import { execFile } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { typescriptExample, type Operation } from "../../packages/server/src/api/documents/docs-page/operation.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { paths } = JSON.parse(readFileSync(join(root, "docs/openapi.json"), "utf8")) as {
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

it("all compile", async () => {
	using folder = new TemporaryDir();
	symlinkSync(join(root, "node_modules"), folder.join("node_modules"));
	const operations = Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
	);
	const files = operations.flatMap(({ method, path, operation }) => {
		const example = typescriptExample(method, path, operation, "http://127.0.0.1:8787");
		if (example === null) return [];
		const file = folder.join(`${operation.operationId}.mts`);
		writeFileSync(file, `${example}\nexport {};\n`);
		return [file];
	});
	expect(files.length).toBeGreaterThan(50);
	const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types"), "--skipLibCheck"];
	const source = ["--customConditions", "@fanfare/source", "--allowImportingTsExtensions"];
	const args = [
		"--noEmit",
		"--strict",
		"--target",
		"es2024",
		"--lib",
		"esnext",
		"--module",
		"nodenext",
		...types,
		...source,
		...files,
	];
	await promisify(execFile)(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...args], {
		cwd: folder.path,
	}).catch((error: unknown) => {
		const problems = String((error as { stdout?: string }).stdout);
		const ids = new Set(problems.match(/^\w+(?=\.mts)/gm));
		const lines = [...ids].map((id) => `\t${id}: "await …",`);
		expect.unreachable(
			`${problems}\nSDK_CALLS in packages/server/src/api/documents/parts/sdk-calls.ts needs, with the call of the SDK:\n${lines.join("\n")}`,
		);
	});
});
