// Searches logs, files and responses for values that must not be in them, in every form in which they could be read.

/** The names of the places that contain the value in any form. */
export function findings(places: ReadonlyMap<string, Buffer>, value: Buffer): string[] {
	return [...places].flatMap(([place, bytes]) => (formsOf(value).some((form) => bytes.includes(form)) ? [place] : []));
}

/** The value itself, in hexadecimal, and in base64 at each of the three offsets that its first byte can have in a group. */
function formsOf(value: Buffer): Buffer[] {
	const texts = [value.toString("hex"), value.toString("hex").toUpperCase()];
	for (const shift of [0, 1, 2]) {
		// Only groups that consist of the value's own bytes; those at its ends are mixed with the bytes beside it.
		const groups = Math.floor((value.length - ((3 - shift) % 3)) / 3);
		const inner = value.subarray((3 - shift) % 3, ((3 - shift) % 3) + groups * 3);
		texts.push(inner.toString("base64"), inner.toString("base64url"));
	}
	return [value, ...texts.map((text) => Buffer.from(text))];
}
