// Reads the values of rows. Casts are here and nowhere else in this adapter: every value read here was written by this adapter, and
// connection/pools.ts says how the driver reads the types of columns.

/** A row, as the driver returns it. */
export type Row = Readonly<Record<string, unknown>>;

export const text = (value: unknown): string => value as string;
export const textOrNull = (value: unknown): string | null => value as string | null;
export const number = (value: unknown): number => value as number;
export const numberOrNull = (value: unknown): number | null => value as number | null;
export const boolean = (value: unknown): boolean => value as boolean;
export const numbers = (value: unknown): readonly number[] => value as readonly number[];
export const texts = (value: unknown): readonly string[] => value as readonly string[];
/** A copy without a Buffer's methods, since the driver returns parts of its own buffers. */
export const bytes = (value: unknown): Uint8Array => new Uint8Array(value as Uint8Array);
/** Parses JSON text; the column names what it contains. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type that was written there
export const json = <T>(value: unknown): T => JSON.parse(value as string) as T;

/** The names in an array, with each name at the index of its code. */
export function namesByCode<Name extends string>(codes: Readonly<Record<Name, number>>): readonly Name[] {
	const names: Name[] = [];
	for (const [name, code] of Object.entries(codes)) names[code as number] = name as Name;
	return names;
}

/** The name that a column's code stands for. Throws a `RangeError` for an unknown code. */
export function nameOf<Name extends string>(names: readonly Name[], code: unknown): Name {
	const name = names[code as number];
	if (name === undefined) throw new RangeError(`a row has the unknown code ${String(code)}`);
	return name;
}

/** Builds a record from `read`, which is called for each name in order. */
export function recordOf<T extends object>(names: readonly (keyof T & string)[], read: (name: keyof T) => unknown): T {
	return Object.fromEntries(names.map((name) => [name, read(name)])) as T;
}
