// `node benchmarks/profile.ts FILE.cpuprofile`: shows where the time of a `--profile` run went, by part and by function.
// V8 samples by wall-clock time: a wait inside a call, such as for the disk, counts as time of that call.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

interface ProfileNode {
	readonly id: number;
	readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
	readonly children?: readonly number[];
}

interface Profile {
	readonly nodes: readonly ProfileNode[];
	readonly samples: readonly number[];
	readonly timeDeltas: readonly number[];
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SHOWN = 40;
/** Time in which the process had nothing to do. */
const IDLE = new Set(["(idle)"]);

const [file] = process.argv.slice(2);
if (file === undefined)
	throw new Error("expected the path of a .cpuprofile file, which `npm run bench -- --profile DIR` writes");
const profile = JSON.parse(readFileSync(file, "utf8")) as Profile;
const times = selfTimes(profile);
const nodes = profile.nodes.filter(({ callFrame }) => !IDLE.has(callFrame.functionName));
const busyUs = nodes.reduce((sum, { id }) => sum + (times.get(id) ?? 0), 0);
print("Self time by part", sumBy(nodes, partOf), busyUs);
print("Self time by function", sumBy(nodes, functionOf), busyUs);
print("Time in native code by the function that called it", sumBy(nodes.filter(isNative), callerOf(profile)), busyUs);

function selfTimes({ samples, timeDeltas }: Profile): Map<number, number> {
	const times = new Map<number, number>();
	for (const [index, id] of samples.entries()) {
		times.set(id, (times.get(id) ?? 0) + (timeDeltas[index + 1] ?? 0));
	}
	return times;
}

function sumBy(nodes: readonly ProfileNode[], nameOf: (node: ProfileNode) => string): Map<string, number> {
	const sums = new Map<string, number>();
	for (const node of nodes) {
		const name = nameOf(node);
		sums.set(name, (sums.get(name) ?? 0) + (times.get(node.id) ?? 0));
	}
	return sums;
}

/** A folder of this repository, a library, a part of Node, or native code. */
function partOf({ callFrame: { url, functionName } }: ProfileNode): string {
	const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1];
	if (library !== undefined) return library;
	if (url.startsWith("node:")) return url.replace("node:internal/deps/", "node:").split("/").slice(0, 2).join("/");
	if (url.startsWith("wasm:")) return "wasm";
	if (url === "") return functionName.startsWith("(") ? functionName : "native code";
	return pathOf(url).split("/").slice(0, -1).join("/");
}

function functionOf({ callFrame: { url, functionName, lineNumber } }: ProfileNode): string {
	const name = functionName === "" ? "(anonymous)" : functionName;
	return url === "" ? name : `${name} ${pathOf(url)}:${lineNumber + 1}`;
}

function isNative({ callFrame: { url, functionName } }: ProfileNode): boolean {
	return url === "" && !functionName.startsWith("(");
}

function callerOf({ nodes }: Profile): (node: ProfileNode) => string {
	const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
	return (node) => {
		const parent = parents.get(node.id);
		return `${functionOf(node)} ← ${parent === undefined ? "?" : functionOf(parent)}`;
	};
}

function pathOf(url: string): string {
	return url.startsWith("file:") ? relative(ROOT, fileURLToPath(url)) : url;
}

function print(title: string, sums: ReadonlyMap<string, number>, totalUs: number): void {
	const rows = [...sums]
		.sort(([, a], [, b]) => b - a)
		.slice(0, SHOWN)
		.map(
			([name, us]) =>
				`${((us / totalUs) * 100).toFixed(1).padStart(5)} %  ${(us / 1_000).toFixed(0).padStart(6)} ms  ${name}`,
		);
	process.stdout.write(`${title}\n${rows.join("\n")}\n\n`);
}
