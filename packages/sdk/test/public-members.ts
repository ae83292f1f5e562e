// Finds what users of the package see, in its .d.ts files: each exported declaration with all its members, and the text that an
// editor shows when somebody points at it.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { parseSync, type Comment } from "oxc-parser";

/** A declaration or a member, such as `Webhook.retries`. */
export interface PublicMember {
	readonly name: string;
	/** "" if there is none. */
	readonly text: string;
}

interface Node {
	readonly type: string;
	readonly start: number;
	readonly end: number;
	readonly [field: string]: unknown;
}

const DECLARATIONS = new Set([
	"ClassDeclaration",
	"TSInterfaceDeclaration",
	"TSTypeAliasDeclaration",
	"VariableDeclaration",
	"TSDeclareFunction",
]);
const MEMBERS = new Set([
	"PropertyDefinition",
	"MethodDefinition",
	"TSPropertySignature",
	"TSMethodSignature",
	"TSAbstractMethodDefinition",
]);
/** Described by the declaration that they belong to. */
const WITHOUT_TEXT = new Set(["[Symbol.toStringTag]", "[Symbol.asyncIterator]"]);

/** All that `index.d.ts` in the folder exports, with members, and the types of the same files that these refer to. */
export function publicMembers(folder: string): PublicMember[] {
	const members: PublicMember[] = [];
	const seen = new Set<string>();
	const files = new Map<string, DeclarationFile>();
	const open = (path: string) => {
		const file = files.get(path) ?? new DeclarationFile(path);
		files.set(path, file);
		return file;
	};
	const add = (file: DeclarationFile, name: string) => {
		if (seen.has(`${file.path} ${name}`)) return;
		seen.add(`${file.path} ${name}`);
		const found = file.declarations.get(name);
		if (found === undefined) return;
		members.push(...file.membersOf(found, name));
		for (const other of file.namesIn(found)) add(file, other);
	};
	const index = open(join(folder, "index.d.ts"));
	for (const { names, from } of index.reExports) for (const name of names) add(open(from), name);
	const supers = new Map([...files.values()].flatMap((file) => [...file.supertypes]));
	return members.map((member) => ({ ...member, text: member.text || inheritedText(member.name, members, supers) }));
}

/** Editors show the text of the member that a member implements or overrides, if it has none itself. */
function inheritedText(
	name: string,
	members: readonly PublicMember[],
	supers: ReadonlyMap<string, readonly string[]>,
): string {
	const [owner = "", ...path] = name.split(".");
	for (const parent of path.length === 1 ? (supers.get(owner) ?? []) : []) {
		if (parent === "Promise") return "The member of the platform's Promise.";
		const above = [parent, ...path].join(".");
		const text = members.find((member) => member.name === above)?.text || inheritedText(above, members, supers);
		if (text !== "") return text;
	}
	return "";
}

class DeclarationFile {
	readonly path: string;
	readonly declarations = new Map<string, Node>();
	readonly reExports: { readonly names: readonly string[]; readonly from: string }[] = [];
	readonly #source: string;
	readonly #comments: readonly Comment[];

	constructor(path: string) {
		this.path = path;
		this.#source = readFileSync(path, "utf8");
		const { program, comments, errors } = parseSync(path, this.#source);
		if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
		this.#comments = comments;
		for (const statement of program.body as unknown as Node[]) this.#read(statement);
	}

	/** The types that each class or interface of the file extends or implements. */
	get supertypes(): Map<string, readonly string[]> {
		const named = (node: unknown) => {
			const { name, expression } = (node ?? {}) as {
				readonly name?: string;
				readonly expression?: { readonly name?: string };
			};
			return name ?? expression?.name ?? "";
		};
		return new Map(
			[...this.declarations].map(([name, { superClass, implements: own = [], extends: parents = [] }]) => [
				name,
				[superClass, ...(own as unknown[]), ...(parents as unknown[])].map(named).filter((parent) => parent !== ""),
			]),
		);
	}

	/** The declaration itself and its members, nested ones too. */
	membersOf(declaration: Node, name: string): PublicMember[] {
		const found = [this.#member(declaration, name)];
		const visit = (node: Node, path: string) => {
			// What a type is compared with, not what users see.
			if (node.type === "TSConditionalType") return;
			let here = path;
			if (MEMBERS.has(node.type)) {
				const key = node["key"] as Node;
				if (key.type === "PrivateIdentifier") return;
				const text = this.#source.slice(key.start, key.end);
				const shown = node["computed"] === true ? `[${text}]` : text;
				here = `${path}.${shown}`;
				if (!WITHOUT_TEXT.has(shown)) found.push(this.#member(node, here));
			}
			for (const child of childrenOf(node)) visit(child, here);
		};
		for (const child of childrenOf(declaration)) visit(child, name);
		return found;
	}

	/** Names of types that a declaration mentions. */
	namesIn(declaration: Node): string[] {
		const names: string[] = [];
		const visit = (node: Node) => {
			if (node.type === "Identifier" && typeof node["name"] === "string") names.push(node["name"]);
			for (const child of childrenOf(node)) visit(child);
		};
		visit(declaration);
		return names.filter((name) => this.declarations.has(name));
	}

	#read(statement: Node): void {
		const inner = statement["declaration"] as Node | null | undefined;
		const declaration = DECLARATIONS.has(statement.type) ? statement : inner;
		if (declaration !== null && declaration !== undefined && DECLARATIONS.has(declaration.type)) {
			const [variable] = (declaration["declarations"] as Node[] | undefined) ?? [];
			const id = (variable ?? declaration)["id"] as Node & { readonly name: string };
			// The text stands before `export`.
			this.declarations.set(id.name, { ...declaration, start: statement.start });
		}
		const source = statement["source"] as { readonly value: string } | null | undefined;
		if (source === null || source === undefined) return;
		const specifiers = (statement["specifiers"] ?? []) as { readonly local: { readonly name: string } }[];
		const from = join(dirname(this.path), source.value.replace(/\.(ts|js)$/, ".d.ts"));
		this.reExports.push({ names: specifiers.map(({ local }) => local.name), from });
	}

	#member(node: Node, name: string): PublicMember {
		const comment = this.#comments.findLast(({ end }) => end <= node.start);
		const between = comment === undefined ? "no comment" : this.#source.slice(comment.end, node.start);
		const text = comment?.value ?? "";
		const hasText = between.trim() === "" && text.startsWith("*") && /[a-z]{2}/i.test(text);
		return { name, text: hasText ? text : "" };
	}
}

function childrenOf(node: Node): Node[] {
	const isNode = (value: unknown): value is Node =>
		typeof value === "object" && value !== null && typeof (value as Partial<Node>).type === "string";
	return Object.values(node).flatMap((value) => (Array.isArray(value) ? value : [value]).filter(isNode));
}
