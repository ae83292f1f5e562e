// Tests who may make which call: a table from the OpenAPI document, run against an app that has real keys.
import { beforeAll, describe, expect, it } from "vitest";

import { apiRoutes, exportOpenApiDocument } from "../resources/table.ts";

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
	};
}

interface Row {
	readonly name: string;
	readonly method: string;
	readonly path: string;
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
};
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

		const ask = async (row: Row, key: string | null, projectId = subject.projectId): Promise<Answer> => {
			const response = await subject.request(row.path.replace("{projectId}", projectId), {
				method: row.method,
				headers: { "content-type": "application/json", ...(key !== null && { "secret-key": key }) },
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
				const answer = await ask(row, null);
				if (row.scope === undefined) return expect(answer.status).toBe(200);
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

			it("allows a key with the scope read only to read", async () => {
				expectAllowed(await ask(row, subject.keys.read), row.scope === "read");
				expectAllowed(await ask(row, subject.keys.projectRead), row.scope === "read" && !row.wholeWorkspace);
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
	return apiRoutes().map(({ id, method, path }) => {
		const operation = paths[path]?.[method];
		const roles = Object.values(operation?.security?.[0] ?? {}).flat();
		const body = operation?.requestBody;
		const example: unknown =
			body !== undefined && "content" in body ? body.content["application/json"]?.example : undefined;
		return {
			name: `${id}: ${method.toUpperCase()} ${path}`,
			method: method.toUpperCase(),
			path: path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => IDS[name] ?? whole),
			body: example === undefined ? undefined : JSON.stringify(example),
			scope: roles[0],
			wholeWorkspace: roles.includes("workspace"),
		};
	});
}
