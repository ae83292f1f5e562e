import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

function read(path: string): string {
	return readFileSync(new URL(path, import.meta.url), "utf8");
}

/** Markdown is indented by spaces, code by tabs. */
function withoutIndents(code: string): string {
	return code.replaceAll(/^[ \t]+/gm, "").trim();
}

it("the README's example is example.test.ts, which is run", () => {
	const [, example = ""] = /^```ts\n(.*?)^```/ms.exec(read("../README.md")) ?? [];
	expect(withoutIndents(example)).toBe(withoutIndents(read("example.test.ts")));
});
