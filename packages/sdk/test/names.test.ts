// The names of fields that differ between the SDK and the HTTP API, in values and in errors.
import { expect, it } from "vitest";

import { toSdkNames, toWireNames, withSdkNames } from "../src/wire/names.ts";

const names = { maxBackoffMs: "maxRetryDelay" } as const;

it("renames fields in both directions, and keeps all others", () => {
	const wire = { maxRetries: 1, maxBackoffMs: 2, later: 3 };
	const sdk = { maxRetries: 1, maxRetryDelay: 2, later: 3 };
	expect(toSdkNames(wire, names)).toEqual(sdk);
	expect(toWireNames(sdk, names)).toEqual(wire);
	expect(Object.keys(toWireNames({ maxRetries: 1 }, names))).toEqual(["maxRetries"]);
});

it("renames fields in errors only inside their object", () => {
	const issues = [
		{ path: "spec.retries.maxBackoffMs", message: "must be at least 0" },
		{ path: "spec.metadata.maxBackoffMs", message: "must be a string" },
		{ path: "spec.retriesOld.maxBackoffMs", message: "is not a known field" },
	];
	const message = "spec.retries.maxBackoffMs: must be at least 0 (and 2 more, see issues)";
	expect(withSdkNames({ message, issues }, { "spec.retries": names })).toEqual({
		message: "spec.retries.maxRetryDelay: must be at least 0 (and 2 more, see issues)",
		issues: [{ path: "spec.retries.maxRetryDelay", message: "must be at least 0" }, issues[1], issues[2]],
	});
});

it("changes nothing in an error without issues", () => {
	const complaint = { message: "spec.retries.maxBackoffMs", issues: [] };
	expect(withSdkNames(complaint, { "spec.retries": names })).toEqual(complaint);
});
