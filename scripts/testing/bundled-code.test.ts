// The programs of processes and threads that tests start are replaced by a bundle, also that of a thread that only tests have.
import { registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

import { describe, expect, it } from "vitest";

import { READER_PROGRAM } from "../../packages/server/src/adapters/sqlite/test/reader-program.ts";
import { ENTRIES } from "./bundled-code.ts";

/** A run that watches the sources has none. */
const HAS_BUNDLE = (process.env["TEST_BUNDLE"] ?? "") !== "";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ofServers = Object.values(ENTRIES).map((source) => pathToFileURL(`${root}${source}`).href);

describe.skipIf(!HAS_BUNDLE)("the bundle", () => {
	it.each([...ofServers, READER_PROGRAM.href])("replaces %s", (source) => {
		expect(import.meta.resolve(source)).toMatch(/\/fanfare-bundles\/[0-9a-f]{16}\/[a-z-]+\.js$/);
	});

	it("has files that Node knows as modules without a look at the disk", async () => {
		const program = `${import.meta.resolve(READER_PROGRAM.href)}?test`;
		const formats: unknown[] = [];
		const hooks = registerHooks({
			load(url, context, next) {
				if (url === program) return { format: "module", source: 'import "./not-on-the-disk.js"', shortCircuit: true };
				if (!url.endsWith("/not-on-the-disk.js")) return next(url, context);
				formats.push(context.format);
				return { format: "module", source: "", shortCircuit: true };
			},
		});
		try {
			await import(program);
		} finally {
			hooks.deregister();
		}
		expect(formats).toEqual(["module"]);
	});
});
