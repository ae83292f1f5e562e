// The limit of descriptors, as a process reads it that was started with one.
import { execFileSync } from "node:child_process";

import { expect, it } from "vitest";

import { readDescriptorLimit } from "./descriptor-limit.ts";

it("is the one that the process was started with", () => {
	const program = `
		import { readDescriptorLimit } from ${JSON.stringify(new URL("./descriptor-limit.ts", import.meta.url))};
		process.stdout.write(String(readDescriptorLimit()));
	`;
	const command = 'ulimit -n 300 && exec "$0" --input-type=module --eval "$1"';
	expect(execFileSync("sh", ["-c", command, process.execPath, program], { encoding: "utf8" })).toBe("300");
	expect(readDescriptorLimit()).toSatisfy((limit: number | null) => limit === null || limit >= 256);
});
