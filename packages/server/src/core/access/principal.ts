// Who makes a call, and on whose data: the principal, and the scope that it acts in.
import type { ApiKey } from "./key.ts";

/** Who makes a call. So far an API key; later also a person's session in the page and a customer's in the portal. */
export type Principal = { readonly kind: "key"; readonly key: ApiKey };

/**
 * The data that a call made for a principal may read and change. So far always a whole project; later also one customer
 * of a project.
 *
 * Calls that are made for a principal take a scope in place of a project's id. They get the id from `wholeProject`, so
 * that they no longer compile when another kind of scope is added: each of them must then say what that kind means.
 */
export type Scope = { readonly kind: "project"; readonly projectId: string };

/** The scope of a whole project. */
export function projectScope(projectId: string): Scope {
	return { kind: "project", projectId };
}

/**
 * The project whose data a call may use, all of it. Takes no other kind of scope.
 *
 * @example
 * wholeProject(projectScope("proj_ca5fe71e7592bbcf7705ea36e4f29ed4")); // "proj_ca5fe71e7592bbcf7705ea36e4f29ed4"
 */
export function wholeProject(scope: Extract<Scope, { readonly kind: "project" }>): string {
	return scope.projectId;
}
