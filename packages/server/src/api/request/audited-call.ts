// Writes the audit entry of a call: who made it, the object, and the names of the fields that were set, not the values.
import type { ApiKey } from "../../core/crypto/key.ts";
import type { Audit } from "../../engine/calls.ts";
import { isObject } from "./body/json-body.ts";
import type { Reply, Route } from "./route.ts";

/** A call that is about to be made. */
export interface AuditedCall {
	readonly route: Pick<Route, "path" | "ignoredFields">;
	readonly action: string;
	readonly requestId: string;
	readonly key: ApiKey | null;
	readonly params: Readonly<Record<string, string>>;
	/** The body as a JSON object, after its schema has accepted it; null if the call has no body. */
	readonly sent: object | null;
}

/** The one field whose inner fields are named, too: `spec.endpoint`. */
const CONTAINER = "spec";

/**
 * Makes a call together with its audit entry. The entry is written first: if the disk is full, nothing is changed and
 * the client can try again. If the call fails or changes nothing, the entry is withdrawn. If it creates an object, the
 * entry gets the id afterwards.
 */
export async function audited(audit: Audit, call: AuditedCall, handle: () => Promise<Reply> | Reply): Promise<Reply> {
	const known = objectOf(call, {});
	const ignored = call.route.ignoredFields ?? [];
	const entryId = await audit.record({
		keyId: call.key?.id ?? null,
		...known,
		action: call.action,
		fields: fieldNames(call.sent).filter((name) => !ignored.includes(name)),
		requestId: call.requestId,
	});
	let reply: Reply;
	try {
		reply = await handle();
	} catch (error) {
		await audit.withdraw(entryId);
		throw error;
	}
	if (reply.changedNothing === true) await audit.withdraw(entryId);
	else await nameObject(audit, entryId, known, objectOf(call, parseAnswer(reply)));
	return reply;
}

type AuditedObject = ReturnType<typeof objectOf>;

/** Corrects the object of an entry once the call has created it. */
async function nameObject(audit: Audit, entryId: string, known: AuditedObject, made: AuditedObject): Promise<void> {
	if (made.objectId !== known.objectId || made.projectId !== known.projectId) await audit.amend(entryId, made);
}

/** The object that was created or changed: the one in the response, else the last one in the path. */
function objectOf({ params, route }: AuditedCall, answer: Readonly<Record<string, unknown>>) {
	const last = [...route.path.matchAll(/\{(\w+)\}/g)].at(-1)?.[1] ?? "";
	const objectId = text(answer["id"]) ?? params[last] ?? "";
	const ofAnswer = answer["object"] === "project" ? objectId : text(answer["projectId"]);
	return { objectId, projectId: params["projectId"] ?? ofAnswer };
}

function parseAnswer({ body }: Reply): Readonly<Record<string, unknown>> {
	const answer: unknown = typeof body === "string" ? JSON.parse(body) : null;
	return isObject(answer) ? { ...answer } : {};
}

/** Only names that the schema defines. Names inside a map, such as those of headers, can be private and stay out. */
function fieldNames(sent: object | null): string[] {
	return Object.entries(sent ?? {}).flatMap(([name, value]: [string, unknown]) =>
		name === CONTAINER && isObject(value) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
	);
}

function text(value: unknown): string | null {
	return typeof value === "string" ? value : null;
}
