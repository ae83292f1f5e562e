// Checks objects of Kubernetes by the schemas of the npm package kubernetes-models, strictly.
import { parseAllDocuments } from "yaml";

/** An object of Kubernetes, as YAML has it. */
export interface KubernetesObject {
	readonly apiVersion: string;
	readonly kind: string;
	readonly [field: string]: unknown;
}

/** The objects of a YAML file. Throws if it is not YAML. */
export function documentsOf(yaml: string): KubernetesObject[] {
	return parseAllDocuments(yaml)
		.map((document) => {
			const [error] = document.errors;
			if (error !== undefined) throw error;
			return document.toJS() as KubernetesObject | null;
		})
		.filter((object) => object !== null);
}

/** What is wrong with an object: what its schema refuses, and fields that the schema does not know. */
export async function problemsOf(object: KubernetesObject): Promise<string[]> {
	const { apiVersion, kind } = object;
	const Model = (
		(await import(/* @vite-ignore */ `kubernetes-models/${apiVersion}/${kind}`)) as Record<
			string,
			new (data: unknown) => Valid
		>
	)[kind];
	if (Model === undefined) return [`unknown kind ${apiVersion}/${kind}`];
	const read = new Set<string>();
	const model = new Model(object);
	try {
		// The model's own fields in place of the object, so that each read of the check is seen.
		Object.assign(model, watched({ ...model }, "", read));
		model.validate();
	} catch (error) {
		return [error instanceof Error ? error.message : String(error)];
	}
	return pathsOf(object, "")
		.filter((path) => !read.has(path))
		.map((path) => `unknown field ${path}`);
}

interface Valid {
	validate(): void;
}

/** The same value, which notes the path of each field that is read. The compiled schemas read each field that they know. */
function watched<T>(value: T, path: string, read: Set<string>): T {
	if (typeof value !== "object" || value === null) return value;
	return new Proxy(value, {
		get: (target, name) => {
			const own = Reflect.get(target, name) as unknown;
			if (typeof name !== "string" || !Object.hasOwn(target, name)) return own;
			const place = path === "" ? name : `${path}.${name}`;
			read.add(place);
			return watched(own, place, read);
		},
	});
}

/** The path of each field of a value, fields in fields included. */
function pathsOf(value: unknown, path: string): string[] {
	if (typeof value !== "object" || value === null) return [];
	return Object.entries(value).flatMap(([name, inner]) => {
		const place = path === "" ? name : `${path}.${name}`;
		return [place, ...pathsOf(inner, place)];
	});
}
