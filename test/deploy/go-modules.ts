// What tests take from Go's modules, where Go and its module proxy are there: Helm, and the schema of compose files.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import type { FoundProgram } from "@fanfare/testkit/programs/debian-program";
import { findProgram } from "@fanfare/testkit/programs/find-program";

const run = promisify(execFile);
const HELM = "helm.sh/helm/v3/cmd/helm@v3.22.0";
const COMPOSE = "github.com/compose-spec/compose-go/v2@v2.16.2";
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/helm-3.22.0/", import.meta.url));

/** Finds Helm in the PATH, or builds it. Also with CI=true it may be missing: no script of ours can install Go. */
export async function findHelm(): Promise<FoundProgram> {
	const found = findProgram(["helm"], [join(CACHE, "helm")]);
	if (found !== null) return { path: found, issue: null };
	return withGo("Helm", async () => {
		await run("go", ["install", HELM], { env: { ...process.env, GOBIN: CACHE } });
		return join(CACHE, "helm");
	});
}

/** Finds the JSON schema of compose files. */
export async function findComposeSchema(): Promise<FoundProgram> {
	return withGo("the schema of compose files", async () => {
		const { stdout } = await run("go", ["mod", "download", "-json", COMPOSE]);
		const { Dir } = JSON.parse(stdout) as { Dir: string };
		return join(Dir, "schema/compose-spec.json");
	});
}

async function withGo(name: string, get: () => Promise<string>): Promise<FoundProgram> {
	try {
		return { path: await get(), issue: null };
	} catch (error) {
		const why = error instanceof Error ? error.message.split("\n").slice(0, 3).join(" ") : String(error);
		return { path: null, issue: `${name} could not be had from Go's module proxy; install Go 1.24 or newer: ${why}` };
	}
}
