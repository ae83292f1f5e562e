// The port for JSON Schema: event types need their schemas inspected, and sends need their data checked.
import type { Issue } from "../core/errors.ts";

/**
 * Validates by JSON Schema draft 2020-12. Schemas come from customers and may be hostile: whatever they contain, a
 * check ends within about a second, takes bounded memory, makes no network request, and delays nothing but other
 * checks, above all those of its own project: projects share the time for checks evenly. Schemas are passed as text and
 * compiled when they are first needed.
 */
export interface SchemaValidator {
	/** The reasons why a text can't be used as a schema, with paths inside the schema; empty if it can. */
	inspect(projectId: string, schemaJson: string): Promise<readonly Issue[]>;
	/**
	 * The places where the data does not match the schema, with paths inside the data ("" for the whole); empty if it
	 * matches. A check that takes too long or too much memory is an issue too, and so is
	 * each check for a while by a schema that has taken too much time in all. Rejects with `SchemaCheckError` if no
	 * check could be made.
	 */
	check(projectId: string, schemaJson: string, dataJson: string): Promise<readonly Issue[]>;
	/** Checks under way reject. May be called twice. */
	close(): Promise<void>;
}

/** No check could be made. This says nothing about the data. */
export class SchemaCheckError extends Error {
	override readonly name = "SchemaCheckError";
}
