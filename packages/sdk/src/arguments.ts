// Checks of arguments before anything is sent, for callers without TypeScript. The errors do not repeat a value, which may be a secret.

/**
 * Returns the argument if it is an object that is not a list. Otherwise throws a `TypeError` with the form that it must have.
 *
 * @example
 * objectArgument("changes", changes, '{ name: "Shop" }'); // changes must be an object such as { name: "Shop" }, got undefined.
 */
export function objectArgument<T>(name: string, value: T, form: string): T {
	if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
	throw new TypeError(`${name} must be an object such as ${form}, got ${kindOf(value)}.`);
}

/** The same for a list. */
export function listArgument<T>(name: string, value: readonly T[], form: string): readonly T[] {
	if (Array.isArray(value)) return value;
	throw new TypeError(`${name} must be a list such as ${form}, got ${kindOf(value)}.`);
}

/** Numbers that can only be meant as seconds: 1985 to 2286 as seconds, the first four months of 1970 as milliseconds. */
const SECONDS = { from: 500_000_000, to: 10_000_000_000 };

/** Converts a time to integer milliseconds. Throws a `TypeError` if it is not valid, or a number of seconds. */
export function milliseconds(name: string, time: Date | number): number;
export function milliseconds(name: string, time: Date | number | undefined): number | undefined;
export function milliseconds(name: string, time: Date | number | undefined): number | undefined {
	if (time === undefined) return undefined;
	// Not `instanceof`: a Date may come from another realm, and plain JavaScript may pass anything.
	const isDate = typeof (time as Partial<Date> | null)?.getTime === "function";
	const ms: unknown = isDate ? (time as Date).getTime() : time;
	if (typeof ms !== "number" || !Number.isSafeInteger(ms)) {
		throw new TypeError(`${name} must be a valid Date or integer milliseconds since the epoch, got ${String(time)}.`);
	}
	if (!isDate && ms >= SECONDS.from && ms < SECONDS.to) {
		throw new TypeError(
			`${name} must be a Date or milliseconds since the epoch, got ${ms}, which looks like seconds: multiply it by 1,000. (A time in the first months of 1970 must be a Date.)`,
		);
	}
	return ms;
}

function kindOf(value: unknown): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "a list";
	if (value === undefined) return "undefined";
	return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
