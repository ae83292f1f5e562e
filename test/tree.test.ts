// The rule that each file begins with a comment about its purpose.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = "{packages,simulation,torture,benchmarks,examples,scripts,test}";

interface SourceFile {
	readonly path: string;
	readonly text: string;
}

/** A test file, or a suite that several test files run. */
function isTest({ path }: SourceFile): boolean {
	return /\.(test|contract)\.tsx?$/.test(path);
}

/** The files that do not begin with a comment. Test files may begin with their imports. */
function withoutFirstComment(files: readonly SourceFile[]): string[] {
	return files.filter((file) => !isTest(file) && !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(file.text)).map(({ path }) => path);
}

const sources: readonly SourceFile[] = globSync(`${FOLDERS}/**/*.{ts,tsx}`, {
	cwd: root,
	exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path),
}).map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

const file = (path: string, text = "// A file.\n"): SourceFile => ({ path, text });

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
