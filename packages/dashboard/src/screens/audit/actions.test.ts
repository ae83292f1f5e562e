// The audit log has words for every action of the server.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import { ACTIONS } from "./actions.ts";

const SERVER = fileURLToPath(new URL("../../../../server/src/", import.meta.url));
const ACTION = /\b(?:audit|action): "([a-z_]+\.[a-z_]+)"/g;

it("has words for each action that the server writes into the audit log, and for no other", () => {
	const written = globSync("**/*.ts", { cwd: SERVER, exclude: ["**/*.test.ts", "ports/contract/**"] }).flatMap((file) =>
		[...readFileSync(`${SERVER}${file}`, "utf8").matchAll(ACTION)].map(([, action]) => action),
	);
	expect(new Set(ACTIONS)).toEqual(new Set(written));
});
