// Finds what users of the package see, in its .d.ts files as the compiler writes them: each exported declaration with all its members, and
// whether an editor has a text for it.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A declaration or a member, such as `Webhook.retries`. */
interface PublicMember {
	readonly name: string;
	/** Whether there is a comment before it, or before the member that it implements or overrides. */
	readonly hasText: boolean;
}

interface Declaration {
	readonly lineBefore: string;
	readonly lines: string[];
}

const DECLARATION = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/;
const MEMBER = /^\s+(?:static |get |set |readonly |abstract )*(\[?[\w$.]+\]?)\??(?:<.*>)?[:(]/;
/** Members of the platform's Promise, AsyncIterable and Error. */
const OF_PLATFORM = ["then", "catch", "finally", "[Symbol.toStringTag]", "[Symbol.asyncIterator]"];

/** All that `index.d.ts` in the folder exports, with members, and the types of the same files that these refer to. */
export function publicMembers(folder: string): PublicMember[] {
	const files = new Map<string, Map<string, Declaration>>();
	const open = (file: string) => files.get(file) ?? files.set(file, declarationsIn(join(folder, file))).get(file)!;
	const index = readFileSync(join(folder, "index.d.ts"), "utf8");
	const waiting = [...index.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)\.[jt]s"/gm)].flatMap(
		([, names = "", from]) =>
			names.split(",").map((name) => [`${from}.d.ts`, name.replace("type ", "").trim()] as const),
	);
	const members = new Map<string, PublicMember>();
	for (const [file, name] of waiting) {
		const found = open(file).get(name);
		if (found === undefined || members.has(name)) continue;
		for (const member of membersOf(found, name, open(file))) members.set(member.name, member);
		const text = found.lines.join("\n");
		for (const other of open(file).keys()) if (new RegExp(`\\b${other}\\b`).test(text)) waiting.push([file, other]);
	}
	return [...members.values()];
}

function declarationsIn(path: string): Map<string, Declaration> {
	const declarations = new Map<string, Declaration>();
	let current: Declaration | null = null;
	let lineBefore = "";
	for (const line of readFileSync(path, "utf8").split("\n")) {
		const name = DECLARATION.exec(line)?.[1];
		if (name !== undefined) declarations.set(name, (current = { lineBefore, lines: [] }));
		current?.lines.push(line);
		lineBefore = line;
	}
	return declarations;
}

/** The declaration itself and its members, nested ones too. */
function membersOf({ lineBefore, lines }: Declaration, name: string, file: Map<string, Declaration>): PublicMember[] {
	const [head = ""] = lines;
	const isText = (line = "") => line.trimEnd().endsWith("*/");
	const self = { name, hasText: isText(lineBefore) };
	// What a type is compared with is not what users see.
	if (/^export type .* extends /.test(head)) return [self];
	const parents = [...(/ (?:extends|implements) (.*) \{$/.exec(head)?.[1] ?? "").matchAll(/\w+/g)].map(
		([parent]) => parent,
	);
	const isInherited = (member: string) =>
		(parents.length > 0 && OF_PLATFORM.includes(member)) ||
		parents.some((parent) => file.get(parent)?.lines.some((line) => MEMBER.exec(line)?.[1] === member));
	const inside = lines.flatMap((line, index) => {
		const member = index === 0 || /^\s+(\*|private|protected)/.test(line) ? undefined : MEMBER.exec(line)?.[1];
		if (member === undefined) return [];
		return [{ name: `${name}.${member}`, hasText: isText(lines[index - 1]) || isInherited(member) }];
	});
	return [self, ...inside];
}
