// Every place in the bodies of an API that takes a list, a map or an object, from its OpenAPI document.

/** A place for a value in a body. */
export interface BodyPlace {
	/** The way to it. Elements of a list have the index 0, and entries of a map the name `name`. Empty for the body itself. */
	readonly at: readonly (string | number)[];
	/** The schema of the value; null for a member that the schema of an object does not know. */
	readonly schema: JsonSchema | null;
	/** How many elements the outermost list on the way may have; null if the way leads through none. */
	readonly mostElements: number | null;
}

export interface CallWithBody {
	readonly id: string;
	readonly method: string;
	/** As in the document, with the names of its parameters. */
	readonly path: string;
	readonly example: unknown;
	/** The first one is the body itself. */
	readonly places: readonly BodyPlace[];
}

/** The part of JSON Schema that the document uses. */
export interface JsonSchema {
	readonly $ref?: string;
	readonly type?: string | readonly string[];
	readonly properties?: Readonly<Record<string, JsonSchema>>;
	readonly additionalProperties?: JsonSchema | boolean;
	readonly items?: JsonSchema;
	readonly anyOf?: readonly JsonSchema[];
	readonly maxItems?: number;
}

/** The part of an OpenAPI document that is read here. */
export interface ApiDocument {
	readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
	readonly operationId: string;
	readonly requestBody?: { readonly content: Readonly<Record<string, { schema: JsonSchema; example: unknown }>> };
}

/** Keywords that lead to other values. With any other than these, and those that limit a value alone, a place could be missed. */
const LEADING = new Set(["$ref", "type", "properties", "additionalProperties", "items", "anyOf"]);
const LIMITING = new Set(
	"required enum const minimum maximum minLength maxLength minItems maxItems maxProperties pattern format".split(" "),
);
const DESCRIBING = new Set(["description", "example", "default", "writeOnly", "deprecated"]);
const JSON_BODY = "application/json";

/** All calls that take a body. Throws if a body is described in a way that is not known here. */
export function callsWithBody(document: ApiDocument): CallWithBody[] {
	const calls: CallWithBody[] = [];
	for (const [path, operations] of Object.entries(document.paths)) {
		for (const [method, { operationId: id, requestBody }] of Object.entries(operations)) {
			if (requestBody === undefined) continue;
			const content = requestBody.content[JSON_BODY];
			if (content === undefined || Object.keys(requestBody.content).length > 1) {
				throw new Error(`the body of ${id} is not JSON alone, and body-places.ts knows nothing else`);
			}
			const places = placesOf(document, content.schema);
			calls.push({ id, method: method.toUpperCase(), path, example: content.example, places });
		}
	}
	return calls;
}

/** The places of a body. Two alternatives for one value are one place. */
function placesOf(document: ApiDocument, body: JsonSchema): BodyPlace[] {
	const places: BodyPlace[] = [];
	const seen = new Set<string>();
	const add = (place: BodyPlace): void => {
		const way = JSON.stringify(place.at);
		if (!seen.has(way)) places.push(place);
		seen.add(way);
	};
	const walk = (schema: JsonSchema, { at, mostElements }: Omit<BodyPlace, "schema">): void => {
		requireKnown(schema);
		const { $ref, properties, items, additionalProperties, anyOf = [], maxItems } = schema;
		if ($ref !== undefined) return walk(named(document, $ref), { at, mostElements });
		if (takesStructure(schema)) add({ at, schema, mostElements });
		for (const option of anyOf) walk(option, { at, mostElements });
		for (const [name, field] of Object.entries(properties ?? {})) walk(field, { at: [...at, name], mostElements });
		if (properties !== undefined) add({ at: [...at, "unknownMember"], schema: null, mostElements });
		if (items !== undefined) walk(items, { at: [...at, 0], mostElements: mostElements ?? maxItems ?? null });
		if (typeof additionalProperties === "object") walk(additionalProperties, { at: [...at, "name"], mostElements });
	};
	walk(body, { at: [], mostElements: null });
	return places;
}

/** Whether lists or objects are among the values, or any values. */
function takesStructure({ type, anyOf, ...others }: JsonSchema): boolean {
	if (type !== undefined) return [type].flat().some((name) => name === "array" || name === "object");
	return anyOf === undefined && !("enum" in others) && !("const" in others);
}

function requireKnown(schema: JsonSchema): void {
	for (const keyword of Object.keys(schema)) {
		if (LEADING.has(keyword) || LIMITING.has(keyword) || DESCRIBING.has(keyword)) continue;
		throw new Error(`body-places.ts does not know the keyword ${keyword}: say there whether it leads to other values`);
	}
}

function named({ components }: ApiDocument, ref: string): JsonSchema {
	const schema = components.schemas[ref.split("/").at(-1) ?? ""];
	if (schema === undefined) throw new Error(`the document has no schema ${ref}`);
	return schema;
}

const PLACEHOLDER = "the nasty value";

/** The example of a call with a JSON text in place of a value. `copies`: how often the outermost list on the way has the element with it. */
export function bodyWith(example: unknown, at: BodyPlace["at"], json: string, copies = 1): string {
	const body = JSON.stringify(replaced(example, at, copies));
	return body.replaceAll(JSON.stringify(PLACEHOLDER), () => json);
}

function replaced(value: unknown, [name, ...rest]: BodyPlace["at"], copies: number): unknown {
	if (name === undefined) return PLACEHOLDER;
	if (typeof name === "number") {
		const element = replaced(Array.isArray(value) ? value[0] : undefined, rest, 1);
		return Array.from({ length: copies }, () => element);
	}
	const object: Readonly<Record<string, unknown>> = isObject(value) ? value : {};
	return { ...object, [name]: replaced(object[name], rest, copies) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
