// What the audit log says about a call: who makes it, and the names of the fields that are set, not the values. The engine
// adds the object, and the store writes the entry together with the change.
import type { AuditDraft } from "../../core/access/audit.ts";
import type { Principal } from "../../core/access/principal.ts";
import { isObject } from "./body/json-body.ts";
import type { Route } from "./route.ts";

/** The one field whose inner fields are named, too: `spec.endpoint`. */
const CONTAINER = "spec";

/** The draft of a call's audit entry; null if the route leaves none. `sent` is the body, which its schema has accepted. */
export function auditDraft(
	route: Pick<Route, "audit" | "unsetFields">,
	caller: { readonly principal: Principal | null; readonly requestId: string },
	sent: object | null,
): AuditDraft | null {
	const { audit: action = null, unsetFields = [] } = route;
	if (action === null) return null;
	const fields = fieldNames(sent).filter((name) => !unsetFields.includes(name));
	return { keyId: caller.principal?.key.id ?? null, action, fields, requestId: caller.requestId };
}

/** Only names that the schema defines. Names inside a map, such as those of headers, can be private and stay out. */
function fieldNames(sent: object | null): string[] {
	return Object.entries(sent ?? {}).flatMap(([name, value]: [string, unknown]) =>
		name === CONTAINER && isObject(value) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
	);
}
