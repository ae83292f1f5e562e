// TypeScript types of JSON Schemas. What a schema says beyond types, such as patterns and limits, has no type; what is not known is unknown.

type Schema = Readonly<Record<string, unknown>>;

/** Schemas nest less deeply; one that does more deeply has no type from there on. */
const MAX_DEPTH = 60;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** The declarations of one schema: its own, and one for each part that it refers to. */
export class SchemaTypes {
	readonly #root: unknown;
	readonly #name: string;
	/** The names of the parts that are referred to, by their pointers. */
	readonly #parts = new Map<string, string>();
	readonly #names: Set<string>;

	/** `names` are taken, and get those that this one takes. */
	constructor(root: unknown, name: string, names: Set<string>) {
		this.#root = root;
		this.#name = name;
		this.#names = names;
		this.#parts.set("#", name);
	}

	/** The declarations, as lines of TypeScript. */
	declarations(comment: string): string[] {
		const lines = [
			...(comment === "" ? [] : [docComment(comment, "")]),
			`export type ${this.#name} = ${this.#typeOf(this.#root, 0)};`,
		];
		const done = new Set(["#"]);
		// A part may refer to others, which are then added.
		for (const [pointer, name] of this.#parts) {
			if (done.has(pointer)) continue;
			done.add(pointer);
			lines.push("", `export type ${name} = ${this.#typeOf(this.#at(pointer), 0)};`);
		}
		return lines;
	}

	#typeOf(schema: unknown, depth: number): string {
		if (schema === false) return "never";
		if (!isSchema(schema) || depth > MAX_DEPTH) return "unknown";
		const parts: string[] = [];
		if (typeof schema["$ref"] === "string") parts.push(this.#referTo(schema["$ref"]));
		if ("const" in schema) parts.push(literal(schema["const"]));
		else if (Array.isArray(schema["enum"])) parts.push(union(schema["enum"].map(literal)));
		else parts.push(this.#byKind(schema, depth));
		for (const word of ["anyOf", "oneOf"]) {
			const options = schema[word];
			if (Array.isArray(options)) parts.push(union(options.map((option) => this.#typeOf(option, depth + 1))));
		}
		const all = schema["allOf"];
		if (Array.isArray(all)) parts.push(...all.map((part) => this.#typeOf(part, depth + 1)));
		const known = [...new Set(parts)].filter((part) => part !== "unknown");
		if (known.length <= 1) return known[0] ?? "unknown";
		return known.map(inParentheses).join(" & ");
	}

	/** The type by `type`, or by the words that only one kind of value has. */
	#byKind(schema: Schema, depth: number): string {
		const { type } = schema;
		const kinds = Array.isArray(type) ? type : type === undefined ? impliedKinds(schema) : [type];
		if (kinds.length === 0) return "unknown";
		return union(kinds.map((kind) => this.#ofKind(kind, schema, depth)));
	}

	#ofKind(kind: unknown, schema: Schema, depth: number): string {
		switch (kind) {
			case "string":
			case "boolean":
			case "null":
				return kind;
			case "number":
			case "integer":
				return "number";
			case "array":
				return this.#array(schema, depth);
			case "object":
				return this.#object(schema, depth);
			default:
				return "unknown";
		}
	}

	#array({ items, prefixItems }: Schema, depth: number): string {
		const rest = this.#typeOf(items ?? true, depth + 1);
		if (!Array.isArray(prefixItems)) return `readonly ${inParentheses(rest)}[]`;
		// Shorter ones fit, too.
		const first = prefixItems.map((item) => `${inParentheses(this.#typeOf(item, depth + 1))}?`);
		return `readonly [${[...first, ...(items === false ? [] : [`...${inParentheses(rest)}[]`])].join(", ")}]`;
	}

	#object({ properties, required, additionalProperties }: Schema, depth: number): string {
		const needed = new Set(Array.isArray(required) ? required : []);
		const entries = isSchema(properties) ? Object.entries(properties) : [];
		const names = new Set(entries.map(([name]) => name));
		const more = [...needed].filter((name): name is string => typeof name === "string" && !names.has(name));
		if (entries.length === 0 && more.length === 0) {
			return additionalProperties === false
				? "Readonly<Record<string, never>>"
				: `Readonly<Record<string, ${this.#typeOf(additionalProperties ?? true, depth + 1)}>>`;
		}
		const indent = "\t".repeat(depth + 1);
		const lines = entries.flatMap(([name, schema]) => {
			const comment =
				isSchema(schema) && typeof schema["description"] === "string"
					? [docComment(schema["description"], indent)]
					: [];
			return [
				...comment,
				`${indent}readonly ${propertyName(name)}${needed.has(name) ? "" : "?"}: ${this.#typeOf(schema, depth + 1)};`,
			];
		});
		lines.push(...more.map((name) => `${indent}readonly ${propertyName(name)}: unknown;`));
		// A narrower type would have to fit the properties, too.
		if (isSchema(additionalProperties) || additionalProperties === true)
			lines.push(`${indent}readonly [name: string]: unknown;`);
		return `{\n${lines.join("\n")}\n${"\t".repeat(depth)}}`;
	}

	/** The name of the part that a pointer leads to. Those outside of the schema have no type. */
	#referTo(pointer: string): string {
		const known = this.#parts.get(pointer);
		if (known !== undefined) return known;
		if (!pointer.startsWith("#/") || this.#at(pointer) === undefined) return "unknown";
		const name = freeName(`${this.#name}${typeName(pointer.split("/").at(-1) ?? "")}`, this.#names);
		this.#parts.set(pointer, name);
		return name;
	}

	#at(pointer: string): unknown {
		let value: unknown = this.#root;
		for (const part of pointer.split("/").slice(1)) {
			const name = decoded(part).replaceAll("~1", "/").replaceAll("~0", "~");
			if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
			value = (value as Readonly<Record<string, unknown>>)[name];
		}
		return value;
	}
}

/** A name that is not taken, which it then is. */
export function freeName(wanted: string, taken: Set<string>): string {
	let name = wanted;
	for (let number = 2; taken.has(name); number++) name = `${wanted}${number}`;
	taken.add(name);
	return name;
}

/** The name of a type: `order.paid` → `OrderPaid`. */
export function typeName(text: string): string {
	const name = text
		.split(/[^A-Za-z0-9]+/)
		.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
		.join("");
	return /^[A-Za-z]/.test(name) ? name : `Type${name}`;
}

/** The name of a property, in quotes if it needs them. */
export function propertyName(name: string): string {
	return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}

/** A doc comment, which its text can't end. */
export function docComment(text: string, indent: string): string {
	const lines = text
		.replaceAll("*/", "*\\/")
		.replaceAll(/[\u2028\u2029\r]/g, " ")
		.split("\n")
		.map((line) => line.trimEnd());
	if (lines.length === 1) return `${indent}/** ${lines[0] ?? ""} */`;
	return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`].join("\n");
}

function impliedKinds(schema: Schema): string[] {
	if ("properties" in schema || "required" in schema || isSchema(schema["additionalProperties"])) return ["object"];
	return "items" in schema || "prefixItems" in schema ? ["array"] : [];
}

function literal(value: unknown): string {
	if (Array.isArray(value)) return `readonly [${value.map(literal).join(", ")}]`;
	if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "unknown";
	return `{ ${Object.entries(value)
		.map(([name, part]) => `readonly ${propertyName(name)}: ${literal(part)}`)
		.join("; ")} }`;
}

function union(types: readonly string[]): string {
	const unique = [...new Set(types)];
	if (unique.includes("unknown")) return "unknown";
	return unique.length === 1 ? (unique[0] ?? "never") : unique.map(inParentheses).join(" | ") || "never";
}

function inParentheses(type: string): string {
	return /^[\w$]+$|^"(?:[^"\\]|\\.)*"$|^\{[^]*\}$/.test(type) && !/\} [|&] \{/.test(type) ? type : `(${type})`;
}

function isSchema(value: unknown): value is Schema {
	return value !== null && typeof value === "object" && !Array.isArray(value);
}

function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return part;
	}
}
