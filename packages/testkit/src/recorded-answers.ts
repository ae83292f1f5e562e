// Answers of the API as a data fixture records them, and as a later server is compared with them.

/** One GET with an admin key. */
export type Get = (path: string) => Promise<{ readonly status: number; readonly json: unknown }>;

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The answer to a GET, as it is recorded: of statistics, only the buckets in which something happened.
 * Throws if the call fails or if a list has another page, since a recording must be complete.
 */
export async function readAnswer(get: Get, path: string): Promise<unknown> {
	const { status, json } = await get(path);
	if (status !== 200) throw new Error(`GET ${path} must be answered 200, got ${status}: ${JSON.stringify(json)}`);
	if (!isObject(json)) return json;
	if ((json["nextPage"] ?? null) !== null) throw new Error(`GET ${path} must fit on one page, but has a nextPage`);
	if (json["object"] !== "stats" || !Array.isArray(json["data"])) return json;
	return { ...json, data: json["data"].filter((bucket: JsonObject) => !isEmpty(bucket)) };
}

/**
 * `actual` without the fields that API objects have gained since `expected` was recorded. Only objects that say what they are with a
 * field `object` may gain some; everything else, such as metadata, headers and payloads, stays as it is.
 *
 * @example
 * expect(withoutNewFields(answer, recorded)).toEqual(recorded);
 */
export function withoutNewFields(actual: unknown, expected: unknown): unknown {
	if (Array.isArray(actual) && Array.isArray(expected)) {
		return actual.map((entry, index) => withoutNewFields(entry, expected[index]));
	}
	if (!isObject(actual) || !isObject(expected)) return actual;
	const mayGain = typeof expected["object"] === "string";
	const fields = Object.entries(actual).filter(([name]) => !mayGain || Object.hasOwn(expected, name));
	return Object.fromEntries(fields.map(([name, value]) => [name, withoutNewFields(value, expected[name])]));
}

function isEmpty({ accepted, attempts, succeeded, exhausted }: JsonObject): boolean {
	const counts = [accepted, succeeded, exhausted, ...Object.values(attempts as JsonObject)];
	return counts.every((count) => count === 0);
}

function isObject(value: unknown): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
