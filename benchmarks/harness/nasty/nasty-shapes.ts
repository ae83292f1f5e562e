// JSON values that are expensive to parse or to check, of a given length.

/** Each returns a value of about so many bytes, and not more. It needs 32 at least. */
export const NASTY_SHAPES: Readonly<Record<string, (bytes: number) => string>> = {
	"lists in lists": (bytes) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2),
	"objects in objects": (bytes) =>
		`${'{"a":'.repeat(Math.floor(bytes / 6) - 1)}{}${"}".repeat(Math.floor(bytes / 6) - 1)}`,
	"empty objects": (bytes) => listOf("{}", bytes),
	numbers: (bytes) => listOf("1", bytes),
	"one long number": (bytes) => "1".repeat(bytes),
	texts: (bytes) => listOf('"a"', bytes),
	"distinct names": (bytes) => objectOf((n) => `k${String(n).padStart(6, "0")}`, 7, bytes),
	// V8 keeps names that are numbers apart from others, in a table if they are far from each other.
	"names that are numbers": (bytes) => objectOf((n) => String(4_000_000_000 - n * 1_000), 10, bytes),
	"one name again and again": (bytes) => objectOf(() => "a", 1, bytes),
	"objects with distinct names": (bytes) => {
		const count = Math.floor((bytes - 2) / 14);
		return `[${Array.from({ length: count }, (_, n) => `{"k${String(n).padStart(6, "0")}":0}`).join(",")}]`;
	},
	escapes: (bytes) => `"${String.raw`\u0061`.repeat(Math.floor(bytes / 6) - 1)}"`,
	"wide text": (bytes) => `"${"€".repeat(Math.floor(bytes / 3) - 1)}"`,
};

function listOf(entry: string, bytes: number): string {
	return `[${`${entry},`.repeat(Math.floor((bytes - 2) / (entry.length + 1)) - 1)}${entry}]`;
}

/** `characters`: the most that a name has. */
function objectOf(nameOf: (n: number) => string, characters: number, bytes: number): string {
	const count = Math.floor((bytes - 2) / (characters + 5));
	return `{${Array.from({ length: count }, (_, n) => `"${nameOf(n)}":0`).join(",")}}`;
}
