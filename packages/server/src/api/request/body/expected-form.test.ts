// A plain value where an object or a list belongs is refused with the expected form, in every body of the API.
import { expect, it } from "vitest";

import { FanfareError } from "../../../core/errors.ts";
import { apiRoutes } from "../../resources/table.ts";
import { callsWithBody } from "../../test/body-fields.ts";
import { parseJsonBody } from "./json-body.ts";

const VALUE = "value-that-may-be-a-secret";

/** All objects and lists in bodies, and the bodies themselves. */
const structures = callsWithBody().flatMap(({ id, fields }) =>
	fields.flatMap(({ at, kinds }) => {
		const isStructure = kinds?.some((kind) => kind === "object" || kind === "array") && !kinds.includes("string");
		return isStructure === true && at.every((name) => typeof name === "string") ? [{ id, at }] : [];
	}),
);

it("covers bodies, and what is inside them", () => {
	const names = structures.map(({ id, at }) => [id, ...at].join("."));
	expect(names).toEqual(
		expect.arrayContaining(["sendEvent", "createWebhook.spec.retries", "updateWebhook.spec.headers"]),
	);
});

it.each(structures)("in the body of $id at $at", ({ id, at }) => {
	const { body } = apiRoutes().find((route) => route.id === id)!;
	const sent = at.reduceRight<unknown>((inner, name) => ({ [name]: inner }), VALUE);
	const read = () => body!.read(parseJsonBody(Buffer.from(JSON.stringify(sent)), body!.schema));
	expect(read).toThrow(FanfareError);
	try {
		read();
	} catch (error) {
		const { issues, message } = error as FanfareError;
		const issue = issues?.find(({ path }) => path === at.join("."));
		expect(issue?.message).toMatch(/must be an? .*such as [[{].+[\]}], got a string\.?$/);
		expect(message + JSON.stringify(issues)).not.toContain(VALUE);
	}
});
