// What a call leaves in the audit log: who, what, and the names of the fields that were set, never their values.
import type { ApiKey } from "../../core/crypto/key.ts";
import type { Audit } from "../../engine/calls.ts";
import { isObject } from "./body/json-body.ts";
import type { Reply, Route } from "./route.ts";

/** A call that is to be done. */
export interface AuditedCall {
	readonly route: Pick<Route, "path" | "ignoredFields">;
	readonly action: string;
	readonly requestId: string;
	readonly key: ApiKey | null;
	readonly params: Readonly<Record<string, string>>;
	/** The JSON object that came, after its schema has accepted it; null if none did. */
	readonly sent: object | null;
}

/** Its fields are looked into: they are what an update names. */
const CONTAINER = "spec";

/**
 * Does a call with its entry. The entry is written first: if the disk is full, nothing is done, and the client may try again. A call
 * that fails or changes nothing takes its entry back; one that makes something names it afterwards.
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

async function nameObject(audit: Audit, entryId: string, known: AuditedObject, made: AuditedObject): Promise<void> {
	if (made.objectId !== known.objectId || made.projectId !== known.projectId) await audit.amend(entryId, made);
}

/** What was made or changed: the object of the answer, else the one that the path ends with. */
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

/** Names that the schema knows, so none of them is a customer's: what is in a map of headers, say, is not looked into. */
function fieldNames(sent: object | null): string[] {
	return Object.entries(sent ?? {}).flatMap(([name, value]: [string, unknown]) =>
		name === CONTAINER && isObject(value) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
	);
}

function text(value: unknown): string | null {
	return typeof value === "string" ? value : null;
}
