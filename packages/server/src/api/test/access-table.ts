// Tests who may make which call: a table from the OpenAPI document, run against an app that has real keys.
import { beforeAll, describe, expect, it } from "vitest";

import { CAPABILITIES, type Capability } from "../../core/access/principal.ts";
import { exportOpenApiDocument } from "../documents/exported.ts";
import type { Access } from "../request/route.ts";
import { apiRoutes } from "../resources/table.ts";

export interface AccessSubject extends AsyncDisposable {
	readonly request: (path: string, init: RequestInit) => Response | Promise<Response>;
	/** The project in the paths of the calls. */
	readonly projectId: string;
	readonly keys: {
		/** A key of the whole workspace with the scope `read`. */
		readonly read: string;
		/** A key of the whole workspace with the scope `admin`. */
		readonly admin: string;
		/** A key of the project with the scope `admin`. */
		readonly project: string;
		/** A key of the project with the scope `read`. */
		readonly projectRead: string;
		/** A key of another project with the scope `admin`. */
		readonly other: string;
		/** The token of a customer of the project, with every capability. */
		readonly customer: string;
	};
	/** The headers of a page in a session of each of these keys. */
	readonly sessions: Readonly<Record<SessionKey, Record<string, string>>>;
	/** The token of that customer with these capabilities alone. */
	readonly customerWith: (capabilities: readonly Capability[]) => Promise<string>;
	/** Ids in the same project that belong to another customer, by the names of path parameters. */
	readonly foreign: Readonly<Record<string, string>>;
}

const SESSION_KEYS = ["read", "admin", "project", "projectRead", "other"] as const;
/** The name of a key with which there is a session. */
export type SessionKey = (typeof SESSION_KEYS)[number];
/** The keys with which a call would succeed, and take something away that the rest of the table needs. */
const ENDS_THE_TABLE: Readonly<Record<string, readonly string[]>> = {
	deleteProject: ["admin"],
	deleteSessions: SESSION_KEYS,
};

interface Row {
	readonly id: string;
	readonly name: string;
	readonly method: string;
	readonly path: string;
	/** The path with the names of its parameters. */
	readonly template: string;
	readonly customers: NonNullable<Access>["customers"] | undefined;
	readonly body: string | undefined;
	readonly scope: string | undefined;
	readonly wholeWorkspace: boolean;
}

const UUID = "01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
const IDS: Readonly<Record<string, string>> = {
	webhookId: `webhook_${UUID}`,
	eventId: `evt_${UUID}`,
	deliveryId: `dlv_${UUID}`,
	keyId: `key_${UUID}`,
	eventType: "user.created",
	replayId: `replay_${UUID}`,
	relayId: `relay_${UUID}`,
	requestId: `dlv_${UUID}.1`,
	customerId: "acme",
	portalSessionId: `portal_${UUID}`,
};
/** In place of the id of the customer whose token is tried: its deletion would end that. */
const DELETED_CUSTOMER = "initech";
const UNKNOWN_PROJECT = `proj_${"0".repeat(32)}`;
const UNKNOWN_KEY = `sk_${"A".repeat(43)}`;

/** Runs the table against the app that `open` returns. */
export function accessTable(open: () => Promise<AccessSubject>): void {
	describe("who may make which call", () => {
		let subject: AccessSubject;
		beforeAll(async () => {
			subject = await open();
			return () => subject[Symbol.asyncDispose]();
		});

		const ask = (row: Row, key: string, projectId?: string) => askWith(row, { "secret-key": key }, projectId);

		const askWith = async (
			row: Row,
			credentials: Record<string, string>,
			projectId = subject.projectId,
		): Promise<Answer> => {
			const response = await subject.request(row.path.replace("{projectId}", projectId), {
				method: row.method,
				headers: { "content-type": "application/json", ...credentials },
				...(row.body !== undefined && { body: row.body }),
			});
			const contentType = response.headers.get("content-type") ?? "";
			const isStream = contentType.startsWith("text/event-stream");
			// A stream does not end by itself.
			if (isStream) await response.body?.cancel();
			const text = isStream ? "" : await response.text();
			const isJson = contentType.startsWith("application/json");
			return { status: response.status, body: isJson ? JSON.parse(text) : {}, headers: response.headers };
		};

		describe.each(rows())("$name", (row) => {
			it("needs a key, unless it is open", async () => {
				const answer = await askWith(row, {});
				// Who signs in shows a key in the body.
				if (row.scope === undefined) return expect([200, 302, 400]).toContain(answer.status);
				expect(answer).toMatchObject({ status: 401, body: { code: "missing_key" } });
				expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer /);
			});

			if (row.scope === undefined) return;

			it("refuses an unknown key", async () => {
				expect(await ask(row, UNKNOWN_KEY)).toMatchObject({ status: 401, body: { code: "unknown_key" } });
			});

			it("gives a key of another project the same 404 as for a project that does not exist", async () => {
				const answer = await ask(row, subject.keys.other);
				if (!row.path.includes("{projectId}")) return expectAllowed(answer, !row.wholeWorkspace);
				const forUnknown = await ask(row, subject.keys.admin, UNKNOWN_PROJECT);
				expect(answer).toMatchObject({ status: 404, body: { code: "project_not_found" } });
				expect({ ...forUnknown.body, requestId: "" }).toEqual({ ...answer.body, requestId: "" });
			});

			it("gives a customer's token the same 404 for what is another customer's as for what does not exist", async () => {
				const { foreign, keys } = subject;
				const answer = await ask({ ...row, path: row.path.replace(IDS["customerId"] ?? "", "acme") }, keys.customer);
				if (row.customers === null) return expectAllowed(answer, false);
				expectAllowed(answer, true);
				const names = [...row.template.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
				if (!names.some((name) => name in foreign)) return;
				const path = row.template.replaceAll(
					/\{(\w+)\}/g,
					(whole, name: string) => foreign[name] ?? IDS[name] ?? whole,
				);
				const ofOther = await ask({ ...row, path }, keys.customer);
				// What does not exist, in another project's words: the ids in `row.path` are of nothing.
				const ofNobody = await ask({ ...row, path: row.path.replace("/acme", "/nobody") }, keys.customer);
				expect(ofOther).toMatchObject({ status: 404, body: { code: expect.stringMatching(/_not_found$/) } });
				expect({ ...ofOther.body, requestId: "" }).toEqual({ ...ofNobody.body, requestId: "" });
			});

			it("needs its capability in a customer's token, and no other one", async () => {
				if (row.customers === null || row.customers === undefined) {
					return expectAllowed(await ask(row, await subject.customerWith(CAPABILITIES)), false);
				}
				const others = CAPABILITIES.filter((capability) => capability !== row.customers);
				expectAllowed(await ask(row, await subject.customerWith(others)), row.customers === "read");
				const needed = CAPABILITIES.filter((capability) => capability === row.customers);
				expectAllowed(await ask(row, await subject.customerWith(needed)), true);
			});

			it("allows a key with the scope read only to read", async () => {
				expectAllowed(await ask(row, subject.keys.read), row.scope === "read");
				expectAllowed(await ask(row, subject.keys.projectRead), row.scope === "read" && !row.wholeWorkspace);
			});

			it("works in a session exactly as with its key, and not at all without the header of the page", async () => {
				const { keys, sessions } = subject;
				for (const name of SESSION_KEYS) {
					if (ENDS_THE_TABLE[row.id]?.includes(name) === true) continue;
					// The first call may create or delete what the others find.
					await ask(row, keys[name]);
					const [byKey, inSession] = [await ask(row, keys[name]), await askWith(row, sessions[name])];
					expect({ name, status: inSession.status, code: inSession.body["code"] }).toEqual({
						name,
						status: byKey.status,
						code: byKey.body["code"],
					});
				}
				const { cookie = "" } = sessions.admin;
				expect(await askWith(row, { cookie })).toMatchObject({ status: 401, body: { code: "missing_key" } });
				const forged = { ...sessions.admin, cookie: `${cookie.slice(0, -2)}AA` };
				expect(await askWith(row, forged)).toMatchObject({ status: 401, body: { code: "unknown_session" } });
			});

			it("refuses a key of one project if it needs the whole workspace", async () => {
				expectAllowed(await ask(row, subject.keys.project), !row.wholeWorkspace);
			});
		});
	});
}

interface Answer {
	readonly status: number;
	readonly body: Readonly<Record<string, unknown>>;
	readonly headers: Headers;
}

function expectAllowed({ status, body }: Answer, allowed: boolean): void {
	if (!allowed) return expect({ status, code: body["code"] }).toEqual({ status: 403, code: "insufficient_scope" });
	expect([401, 403, 405, 500]).not.toContain(status);
	expect(["project_not_found", "route_not_found"]).not.toContain(body["code"]);
}

function rows(): Row[] {
	const { paths = {} } = exportOpenApiDocument("test");
	return apiRoutes().map(({ id, method, path, access }) => {
		const operation = paths[path]?.[method];
		const ids: Readonly<Record<string, string>> =
			id === "deleteCustomer" ? { ...IDS, customerId: DELETED_CUSTOMER } : IDS;
		const roles = Object.values(operation?.security?.[0] ?? {}).flat();
		const body = operation?.requestBody;
		const example: unknown =
			body !== undefined && "content" in body ? body.content["application/json"]?.example : undefined;
		return {
			id,
			name: `${id}: ${method.toUpperCase()} ${path}`,
			method: method.toUpperCase(),
			template: path,
			customers: access?.customers,
			path: path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => ids[name] ?? whole),
			body: example === undefined ? undefined : JSON.stringify(example),
			scope: roles[0],
			wholeWorkspace: roles.includes("workspace"),
		};
	});
}
