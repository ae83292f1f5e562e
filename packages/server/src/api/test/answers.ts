// What tests expect of answers, and how they ask for them.
import { expect } from "vitest";

export interface Answer {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	readonly json: Readonly<Record<string, unknown>>;
}

type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** An id of the usual form that nothing has. */
export const NO_UUID = "01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";

/** The headers of a caller with this key or token. */
export const as = (key: string) => ({ "secret-key": key });

/** The rows of a list. */
export const rowsOf = ({ json }: Answer) => json["data"] as Record<string, unknown>[];

/** The ids of the rows of a list. */
export const idsOf = (answer: Answer) => rowsOf(answer).map(({ id }) => id as string);

/** The rows of an export. */
export const linesOf = ({ text }: Answer) =>
	text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, unknown>);

/** An answer without what differs between two equal ones. */
export const comparable = ({ status, json }: Answer) => ({ status, json: { ...json, requestId: "" } });

/** A refusal that names a field. */
export function refused(path: string, message: RegExp | string = /./, status = 400) {
	const said: unknown = typeof message === "string" ? message : expect.stringMatching(message);
	return { status, json: { issues: [{ path, message: said }] } };
}

/** A refusal with this code. */
export const problem = (status: number, code: string) => ({ status, json: { code } });

export type Refusal = readonly [call: string, path: string, message?: RegExp | string | undefined, body?: unknown];

/** Makes calls such as `GET ./events?limit=0`, each of which must be a 400 with one issue, about the field `path`. */
export async function expectRefusals({ call }: { readonly call: Call }, refusals: readonly Refusal[]): Promise<void> {
	for (const [request, path, message, body] of refusals) {
		const [method = "", url = ""] = request.split(/ (.*)/);
		const { status, json } = await call(method, url, body);
		const shown = { request, body, status, json: { issues: json["issues"] } };
		expect(shown).toEqual({ request, body, ...refused(path, message) });
	}
}
