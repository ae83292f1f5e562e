// JSON values that are expensive to parse or to check, of a given length.

export interface NastyShape {
	readonly title: string;
	readonly kind: "array" | "object";
	/** The value as JSON, of about as many bytes as were asked for, and not more. */
	readonly json: () => string;
}

export function nastyShapes(bytes: number): readonly NastyShape[] {
	const list = (entry: string): string => {
		const count = Math.floor((bytes - 2) / (entry.length + 1));
		return `[${`${entry},`.repeat(Math.max(0, count - 1))}${entry}]`;
	};
	return [
		{
			title: "lists in lists",
			kind: "array",
			json: () => "[".repeat(Math.floor(bytes / 2)) + "]".repeat(Math.floor(bytes / 2)),
		},
		{ title: "empty objects", kind: "array", json: () => list("{}") },
		{ title: "wrong numbers", kind: "array", json: () => list("-1") },
		{ title: "short texts", kind: "array", json: () => list('"a"') },
		{
			title: "distinct names",
			kind: "object",
			json: () => {
				const count = Math.floor((bytes - 2) / 13);
				return `{${Array.from({ length: count }, (_, n) => `"k${String(n).padStart(6, "0")}":""`).join(",")}}`;
			},
		},
	];
}
