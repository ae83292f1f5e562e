// Looks for values that must not be there: in logs, files and answers, in every form in which they could be read.

/** Where the value stands, in any of its forms. */
export function findings(places: ReadonlyMap<string, Buffer>, value: Buffer): string[] {
	return [...places].flatMap(([place, bytes]) => (formsOf(value).some((form) => bytes.includes(form)) ? [place] : []));
}

/** The value as it is, in hexadecimal, and in base64 at each of the three places that its first byte can have in a group. */
function formsOf(value: Buffer): Buffer[] {
	const texts = [value.toString("hex"), value.toString("hex").toUpperCase()];
	for (const shift of [0, 1, 2]) {
		// Only whole groups of the value alone: those at its ends are mixed with what stands beside it.
		const groups = Math.floor((value.length - ((3 - shift) % 3)) / 3);
		const inner = value.subarray((3 - shift) % 3, ((3 - shift) % 3) + groups * 3);
		texts.push(inner.toString("base64"), inner.toString("base64url"));
	}
	return [value, ...texts.map((text) => Buffer.from(text))];
}
