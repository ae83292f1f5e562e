// Every call of the HTTP API has a call in the SDK. Calls with a body or a query have one in full-inputs.test.ts, where the compiler
// asks for it; this finds the others.
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { projectCases } from "./project-cases.ts";
import { webhookCases } from "./webhook-cases.ts";

interface Operation {
	readonly operationId: string;
	/** Empty for calls that need no key: those of operators and of the documents, which are not in the SDK. */
	readonly security: readonly object[];
	readonly requestBody?: object;
	readonly parameters?: readonly { readonly in: string }[];
	readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

const { paths } = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8")) as {
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

/** Whether a case can show it: streams have tests of their own. */
function hasOnlyItsPath({ security, requestBody, parameters = [], responses }: Operation): boolean {
	const isStream = "text/event-stream" in (responses["200"]?.content ?? {});
	return (
		!isStream &&
		security.length > 0 &&
		requestBody === undefined &&
		parameters.every((parameter) => parameter.in !== "query")
	);
}

/** Matches the requests of a call, such as `GET /projects/proj_1/replays/replay_1`. */
function requestPattern(method: string, path: string): RegExp {
	return new RegExp(`^${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, "[^/:?]+")}$`);
}

const calls = Object.entries(paths).flatMap(([path, methods]) =>
	Object.entries(methods)
		.filter(([, operation]) => hasOnlyItsPath(operation))
		.map(([method, { operationId }]) => [operationId, requestPattern(method, path)] as const),
);

it.each(calls)("%s has a case in project-cases.ts or webhook-cases.ts", (_operationId, pattern) => {
	const cases = Object.values({ ...projectCases, ...webhookCases });
	expect(cases.map(({ sends: [method, url] }) => `${method} ${url}`)).toContainEqual(expect.stringMatching(pattern));
});
