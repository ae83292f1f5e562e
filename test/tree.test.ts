// Rules about the repository's tree: each file begins with a comment about its purpose, and folders and files are not too big.
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = "{packages,simulation,torture,benchmarks,examples,scripts,test}";
const MAX_FILES = 14;
const MAX_LINES = 400;

interface SourceFile {
	readonly path: string;
	readonly text: string;
}

/** A test file, or a suite that several test files run. */
function isTest({ path }: SourceFile): boolean {
	return /\.(test|contract)\.tsx?$/.test(path);
}

/** The files that are made from other files. */
function isGenerated({ path }: SourceFile): boolean {
	return /(^|\/)generated\//.test(path);
}

/** The files that do not begin with a comment. Test files may begin with their imports. */
function withoutFirstComment(files: readonly SourceFile[]): string[] {
	return files.filter((file) => !isTest(file) && !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(file.text)).map(({ path }) => path);
}

/** The folders with too many files. Test files do not count, and neither do files that are not code. */
function crowdedFolders(files: readonly SourceFile[]): string[] {
	const byFolder = Map.groupBy(
		files.filter((file) => !isTest(file)),
		({ path }) => dirname(path),
	);
	return [...byFolder]
		.filter(([, list]) => list.length > MAX_FILES)
		.map(([folder, list]) => `${folder}: ${list.length} files`);
}

/** The files with too many lines. Test files and generated files may be longer. */
function longFiles(files: readonly SourceFile[]): string[] {
	return files
		.filter((file) => !isTest(file) && !isGenerated(file))
		.map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
		.filter(({ lines }) => lines > MAX_LINES)
		.map(({ path, lines }) => `${path}: ${lines} lines`);
}

const sources: readonly SourceFile[] = globSync(`${FOLDERS}/**/*.{ts,tsx}`, {
	cwd: root,
	exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path),
}).map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

const file = (path: string, text = "// A file.\n"): SourceFile => ({ path, text });
const folderOf = (count: number, extension = ".ts") =>
	Array.from({ length: count }, (_, index) => file(`folder/${index}${extension}`));

it("finds the sources", () => {
	expect(sources.length).toBeGreaterThan(300);
	expect(sources.map(({ path }) => path)).toContain("test/tree.test.ts");
});

describe("the rule that every file begins with a comment", () => {
	it("holds in this repository", () => expect(withoutFirstComment(sources)).toEqual([]));

	it("rejects a file without a comment above its imports", () => {
		const late = 'import { a } from "a";\n// The comment.\n';
		expect(withoutFirstComment([file("late.ts", late), file("none.ts", "export {};\n")])).toEqual([
			"late.ts",
			"none.ts",
		]);
		expect(withoutFirstComment([file("good.ts"), file("doc.ts", "/** A file. */\n")])).toEqual([]);
		expect(withoutFirstComment([file("command.ts", "#!/usr/bin/env node\n// A command.\n")])).toEqual([]);
	});

	it("accepts test files without one", () => {
		expect(withoutFirstComment([file("late.test.ts", "export {};\n")])).toEqual([]);
	});
});

describe(`the rule that no folder has more than ${MAX_FILES} files`, () => {
	it("holds in this repository", () => expect(crowdedFolders(sources)).toEqual([]));

	it("rejects a crowded folder", () => {
		expect(crowdedFolders(folderOf(MAX_FILES))).toEqual([]);
		expect(crowdedFolders(folderOf(MAX_FILES + 1))).toEqual([`folder: ${MAX_FILES + 1} files`]);
	});

	it("does not count test files", () => {
		expect(crowdedFolders([...folderOf(MAX_FILES), ...folderOf(5, ".test.ts")])).toEqual([]);
	});
});

describe(`the rule that no file has more than ${MAX_LINES} lines`, () => {
	it("holds in this repository", () => expect(longFiles(sources)).toEqual([]));

	it("rejects a long file", () => {
		expect(longFiles([file("long.ts", "a\n".repeat(MAX_LINES))])).toEqual([]);
		expect(longFiles([file("long.ts", "a\n".repeat(MAX_LINES + 1))])).toEqual([`long.ts: ${MAX_LINES + 1} lines`]);
	});

	it("accepts longer test files and generated files", () => {
		const long = "a\n".repeat(MAX_LINES + 1);
		expect(longFiles([file("long.test.ts", long), file("src/generated/wire.ts", long)])).toEqual([]);
	});
});
