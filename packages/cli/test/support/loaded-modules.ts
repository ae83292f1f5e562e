// The modules that a command loads.
import { runFanfare } from "@fanfare/testkit/fanfare-process";

/** Prints the address of each module that is loaded, at the end. */
export const LIST_MODULES = `data:text/javascript,${encodeURIComponent(`
	import { registerHooks } from "node:module";
	import { writeSync } from "node:fs";
	const loaded = [];
	registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
	process.on("exit", () => writeSync(2, "MODULES " + JSON.stringify(loaded) + "\\n"));
`)}`;

/** The addresses of the modules that a command loads. */
export async function modulesOf(args: readonly string[]): Promise<string[]> {
	return listedIn((await runFanfare(args, { preload: [LIST_MODULES], unbundled: true })).stderr);
}

/** The same, from what a process with `LIST_MODULES` has printed. */
export function listedIn(stderr: string): string[] {
	return JSON.parse(/^MODULES (.*)$/m.exec(stderr)?.[1] ?? "") as string[];
}
