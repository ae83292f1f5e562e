// What the catalogue needs of JSON Schema: a judgement on schemas, and on data by a schema.
import type { Issue } from "../core/errors.ts";

/**
 * Checks by JSON Schema draft 2020-12. Schemas come from customers: whatever they hold, a check ends within about a second, takes
 * bounded memory, asks nobody on the network, and holds up nothing but other checks. Schemas are given as text and
 * compiled when they are first needed.
 */
export interface SchemaValidator {
	/** Why this can't be used as a schema, with paths inside it; none if it can. */
	inspect(schemaJson: string): Promise<readonly Issue[]>;
	/**
	 * Where the data breaks the schema, with paths inside the data ("" for the whole); none if it fits. What takes too long, or
	 * too much memory, breaks it too. Rejects with `SchemaCheckError` if no check could be made.
	 */
	check(schemaJson: string, dataJson: string): Promise<readonly Issue[]>;
	/** Rejects what is under way. May be called twice. */
	close(): Promise<void>;
}

/** A check could not be made, which says nothing about the data. */
export class SchemaCheckError extends Error {
	override readonly name = "SchemaCheckError";
}
