// Fields that have another name in the SDK than in the HTTP API. Each resource has one table of them, for values and for errors.
import type { Issue } from "../errors.ts";

/** The names of an object's fields in the SDK, by their names in the HTTP API. Fields with one name are left out. */
export type Names = Readonly<Record<string, string>>;

/** Checks a table of names: both names of a field must exist. Use it with `satisfies`. */
export type NamesOf<Wire, Sdk> = { readonly [Field in keyof Wire]?: keyof Sdk };

/** An object of the HTTP API with the field names of the SDK. */
export type SdkNamed<Wire, N extends Names> = {
	[Field in keyof Wire as Field extends keyof N ? N[Field] : Field]: Wire[Field];
};

/** An object of the SDK with the field names of the HTTP API. */
export type WireNamed<Sdk, N extends Names> = {
	[Field in keyof Sdk as Field extends N[keyof N] ? WireName<Field, N> : Field]: Sdk[Field];
};

type WireName<Field, N extends Names> = {
	[Name in keyof N]: N[Name] extends Field ? Name : never;
}[keyof N];

/** Gives the fields of an object the names of the SDK. Fields that are not in the table stay as they are. */
export function toSdkNames<Wire extends object, N extends Names>(wire: Wire, names: N): SdkNamed<Wire, N> {
	return renamed(wire, Object.entries(names)) as SdkNamed<Wire, N>;
}

/** Gives the fields of an object the names of the HTTP API. Fields that are not in the table stay as they are. */
export function toWireNames<Sdk extends object, N extends Names>(sdk: Sdk, names: N): WireNamed<Sdk, N> {
	const pairs = Object.entries(names).map(([wireName, sdkName]) => [sdkName, wireName] as const);
	return renamed(sdk, pairs) as WireNamed<Sdk, N>;
}

function renamed(value: object, pairs: readonly (readonly [from: string, to: string])[]): Record<string, unknown> {
	const result: Record<string, unknown> = { ...value };
	for (const [from, to] of pairs) {
		if (!(from in result)) continue;
		result[to] = result[from];
		delete result[from];
	}
	return result;
}

/** The tables of names for the objects in a request body, by the path of the object, such as `spec.retries`. */
export type BodyNames = Readonly<Record<string, Names>>;

/** What the server says about a request: a sentence, which repeats the first issue, and all issues. */
interface Complaint {
	readonly message: string;
	readonly issues: readonly Issue[];
}

/** Replaces the field names of the HTTP API in an error by those that the caller of the SDK has used. */
export function withSdkNames(complaint: Complaint, tables: BodyNames): Complaint {
	let { message } = complaint;
	const issues = complaint.issues.map((issue) => {
		const named = Object.entries(tables).reduce(issueWithSdkNames, issue);
		message = message.replace(`${issue.path}: ${issue.message}`, () => `${named.path}: ${named.message}`);
		return named;
	});
	return { message, issues };
}

function issueWithSdkNames(issue: Issue, [parent, names]: readonly [path: string, names: Names]): Issue {
	const { path } = issue;
	if (path !== parent && !path.startsWith(`${parent}.`)) return issue;
	// The message can list the fields that exist.
	const toSdk = (text: string) =>
		text.replace(/\w+/g, (word) => (Object.hasOwn(names, word) ? (names[word] ?? word) : word));
	return { path: parent + toSdk(path.slice(parent.length)), message: toSdk(issue.message) };
}
