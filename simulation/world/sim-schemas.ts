// Checks data by JSON Schema in the simulation's own thread, with the compiler that the server's thread uses.
import { compileSchema, type Check } from "../../packages/server/src/adapters/ajv/compile-schema.ts";
import type { Issue } from "../../packages/server/src/core/errors.ts";
import type { SchemaValidator } from "../../packages/server/src/ports/schema-validator.ts";

/** Compiling takes milliseconds, and histories use the same few schemas. */
const compiled = new Map<string, Check | readonly Issue[]>();

export class SimSchemas implements SchemaValidator {
	inspect(_projectId: string, schemaJson: string): Promise<readonly Issue[]> {
		const found = compile(schemaJson);
		return Promise.resolve(typeof found === "function" ? [] : found);
	}

	check(_projectId: string, schemaJson: string, dataJson: string): Promise<readonly Issue[]> {
		const found = compile(schemaJson);
		return Promise.resolve(typeof found === "function" ? found(JSON.parse(dataJson)) : found);
	}

	close(): Promise<void> {
		return Promise.resolve();
	}
}

function compile(schemaJson: string): Check | readonly Issue[] {
	const known = compiled.get(schemaJson) ?? compileSchema(schemaJson);
	compiled.set(schemaJson, known);
	return known;
}
