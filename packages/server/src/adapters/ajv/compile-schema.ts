import ajvFormats from "ajv-formats";
// One schema, compiled with ajv. Strict: what a schema says is enforced or refused, never passed over.
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";

import type { Issue } from "../../core/errors.ts";
import { dataIssues, schemaIssues } from "./issues.ts";

/** Judges data, already parsed. */
export type Check = (data: unknown) => readonly Issue[];

const DRAFT = "https://json-schema.org/draft/2020-12/schema";
const MAX_DEPTH = 64;

/** Knows the draft's own schema; takes 25 ms to make, so it is made once. */
const metaschema = new Ajv2020({ strict: false, logger: false });

/** Compiles what the metaschema needs, so that no check has to wait for it. */
export function warmUp(): void {
	void metaschema.validateSchema({ type: "object" });
}

/** The check that the schema makes, or why it makes none. */
export function compileSchema(schemaJson: string): Check | readonly Issue[] {
	const schema: unknown = JSON.parse(schemaJson);
	const refused = refusal(schema);
	if (refused !== null) return [refused];
	if (!isObject(schema)) return [{ path: "", message: "must be an object" }];
	if (metaschema.validateSchema(schema) !== true) return schemaIssues(metaschema.errors ?? []);
	try {
		const check = checkBy(newAjv().compile(schema));
		// A schema that only refers to itself goes round for ever, whatever the data.
		check(null);
		return check;
	} catch (error) {
		return [{ path: "", message: compileTrouble(error) }];
	}
}

/** One for each schema: they share no ids, and forgetting one frees all that belongs to it. */
function newAjv(): Ajv2020 {
	const ajv = new Ajv2020({
		// Unknown keywords and formats, and keywords that would have no effect, are errors: they are typing errors as a rule.
		strict: true,
		// These forbid what the draft allows and Fanfare enforces all the same, such as `properties` without a type.
		strictTypes: false,
		strictTuples: false,
		strictRequired: false,
		// Every issue, not only the first. The heap of the thread bounds how many there can be.
		allErrors: true,
		// `required: ["toString"]` means the data's own.
		ownProperties: true,
		// A small schema that is referred to a thousand times would become a large function.
		inlineRefs: false,
		// 0.07 is a multiple of 0.01.
		multipleOfPrecision: 10,
		// Compiling then takes half the time and less, and the code runs as fast.
		code: { optimize: false },
		validateSchema: false,
		meta: false,
		logger: false,
	});
	ajvFormats.default(ajv);
	// ajv resolves it, but does not count it among the keywords that it knows.
	ajv.addVocabulary(["$anchor"]);
	return ajv;
}

function checkBy(validate: ValidateFunction): Check {
	return (data) => {
		const fits: unknown = validate(data);
		const errors: ErrorObject[] = validate.errors ?? [];
		// The function would hold on to the last errors, and with them to the data.
		validate.errors = null;
		return fits === true ? [] : dataIssues(errors);
	};
}

/** What ajv would pass over or do otherwise than asked. */
function refusal(schema: unknown): Issue | null {
	if (!isObject(schema)) return { path: "", message: "must be an object" };
	if ("$async" in schema) return { path: "$async", message: "is not a keyword of JSON Schema" };
	const draft = schema["$schema"];
	if (draft !== undefined && draft !== DRAFT && draft !== `${DRAFT}#`) {
		return { path: "$schema", message: `must be ${DRAFT}, the draft that is spoken here, or be left out` };
	}
	return structureIssue(schema);
}

/** Looks at every level, with a list in place of recursion: a schema can be as deep as its text is long. */
function structureIssue(schema: object): Issue | null {
	let level: object[] = [schema];
	for (let depth = 1; level.length > 0; depth++) {
		if (depth > MAX_DEPTH) return { path: "", message: `must be nested at most ${MAX_DEPTH} levels deep` };
		if (level.some((value) => Object.hasOwn(value, "__proto__"))) {
			return { path: "", message: "must not name __proto__, which can't be checked" };
		}
		level = level.flatMap((value) =>
			Object.values(value).filter((child) => typeof child === "object" && child !== null),
		);
	}
	return null;
}

function compileTrouble(error: unknown): string {
	if (error instanceof RangeError) return "refers to itself without end, or is too large to be compiled";
	if (!(error instanceof Error)) return "can't be compiled";
	if ("missingRef" in error) {
		return `refers to ${String(error.missingRef)}, which is not in it; schemas elsewhere are never fetched`;
	}
	return error.message
		.replace(/^strict mode: unknown keyword: /, "has a keyword that is not known: ")
		.replace(/^strict mode: /, "")
		.replace(/^(unknown format "[^"]*") ignored in schema at path/, "has the $1 at");
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
