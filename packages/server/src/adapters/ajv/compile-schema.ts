// Compiles one schema with ajv. Strict: every keyword of a schema is enforced or refused, never ignored.
import ajvFormats from "ajv-formats";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";

import type { Issue } from "../../core/errors.ts";
import { dataIssues, schemaIssues } from "./issues.ts";
import { createPatternCompiler } from "./patterns.ts";
import { isUrl } from "./url-format.ts";

/** Checks parsed data. Returns the issues found. */
export type Check = (data: unknown) => readonly Issue[];

const DRAFT = "https://json-schema.org/draft/2020-12/schema";
const MAX_DEPTH = 64;

/** Validates schemas against the draft's own schema. Created once, because that takes 25 ms. */
const metaschema = new Ajv2020({ strict: false, logger: false });

/** Compiles the draft's own schema in advance, so that no check has to wait for it. */
export function warmUp(): void {
	void metaschema.validateSchema({ type: "object" });
}

/** Compiles a schema. Returns its check, or the issues if the schema is not valid. */
export function compileSchema(schemaJson: string): Check | readonly Issue[] {
	const schema: unknown = JSON.parse(schemaJson);
	const refused = refusal(schema);
	if (refused !== null) return [refused];
	if (!isObject(schema)) return [{ path: "", message: "must be an object" }];
	if (metaschema.validateSchema(schema) !== true) return schemaIssues(metaschema.errors ?? []);
	try {
		const check = checkBy(newAjv().compile(schema));
		// A schema that only refers to itself recurses forever, whatever the data.
		check(null);
		return check;
	} catch (error) {
		return [{ path: "", message: compileError(error) }];
	}
}

/** Each schema gets its own instance: schemas share no ids, and dropping one frees all its memory. */
function newAjv(): Ajv2020 {
	const ajv = new Ajv2020({
		// Unknown keywords and formats, and keywords without effect, are errors: most of them are typing mistakes.
		strict: true,
		// These would forbid schemas that are valid and enforceable, such as `properties` without a type.
		strictTypes: false,
		strictTuples: false,
		strictRequired: false,
		// Report every issue, not only the first. The thread's heap limits their number.
		allErrors: true,
		// `required: ["toString"]` means an own property.
		ownProperties: true,
		// Inlining would turn a small schema that is referenced a thousand times into a large function.
		inlineRefs: false,
		// So that 0.07 is a multiple of 0.01.
		multipleOfPrecision: 10,
		// Compiling takes less than half the time without `optimize`, and the code is as fast.
		code: { optimize: false, regExp: createPatternCompiler() },
		validateSchema: false,
		meta: false,
		logger: false,
	});
	ajvFormats.default(ajv);
	ajv.addFormat("url", isUrl);
	// ajv resolves $anchor, but does not list it among its known keywords.
	ajv.addVocabulary(["$anchor"]);
	return ajv;
}

function checkBy(validate: ValidateFunction): Check {
	return (data) => {
		const fits: unknown = validate(data);
		const errors: ErrorObject[] = validate.errors ?? [];
		// Otherwise the function would keep the last errors, and with them the data, in memory.
		validate.errors = null;
		return fits === true ? [] : dataIssues(errors);
	};
}

/** Refuses schemas that ajv would partly ignore or handle differently. Null if there is no such problem. */
function refusal(schema: unknown): Issue | null {
	if (!isObject(schema)) return { path: "", message: "must be an object" };
	if ("$async" in schema) return { path: "$async", message: "is not a keyword of JSON Schema" };
	const draft = schema["$schema"];
	if (draft !== undefined && draft !== DRAFT && draft !== `${DRAFT}#`) {
		return { path: "$schema", message: `must be ${DRAFT}, the only supported draft, or be omitted` };
	}
	return structureIssue(schema);
}

/** Checks every level, iteratively: a schema can be nested too deeply for recursion. */
function structureIssue(schema: object): Issue | null {
	let level: object[] = [schema];
	for (let depth = 1; level.length > 0; depth++) {
		if (depth > MAX_DEPTH) return { path: "", message: `must be nested at most ${MAX_DEPTH} levels deep` };
		if (level.some((value) => Object.hasOwn(value, "__proto__"))) {
			return { path: "", message: "must not contain the property name __proto__, which can't be checked" };
		}
		level = level.flatMap((value) =>
			Object.values(value).filter((child) => typeof child === "object" && child !== null),
		);
	}
	return null;
}

function compileError(error: unknown): string {
	if (error instanceof RangeError) return "refers to itself without end, or is too large to compile";
	if (!(error instanceof Error)) return "can't be compiled";
	if ("missingRef" in error) {
		return `refers to ${String(error.missingRef)}, which is not in it. External schemas are never fetched`;
	}
	return error.message
		.replace(/^strict mode: unknown keyword: /, "has a keyword that is not known: ")
		.replace(/^strict mode: /, "")
		.replace(/^(unknown format "[^"]*") ignored in schema at path/, "has the $1 at");
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
