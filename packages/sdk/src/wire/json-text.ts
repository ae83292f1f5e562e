// The parts of a JSON text as text. A parser would round their numbers, and change their order, escapes and white space.

/** The members of a JSON object by name, each value as it is written. The text must be valid JSON. */
export function membersOf(json: string): ReadonlyMap<string, string> {
	// Of members with one name, a parser takes the last one, and so does a map.
	return new Map(partsOf(json).map(({ name, text }) => [String(JSON.parse(name)), text]));
}

/** The elements of a JSON array, each as it is written. The text must be valid JSON. */
export function elementsOf(json: string): readonly string[] {
	return partsOf(json).map(({ text }) => text);
}

interface Part {
	/** As it is written, in quotes; empty in an array. */
	readonly name: string;
	readonly text: string;
}

/** What is directly inside a JSON object or array. It does not call itself, so deep nesting needs no stack. */
function partsOf(json: string): Part[] {
	const parts: Part[] = [];
	let depth = 0;
	let start = 0;
	let name = "";
	const add = (end: number) => {
		const text = json.slice(start, end).trim();
		if (text !== "") parts.push({ name, text });
		name = "";
		start = end + 1;
	};
	for (let at = 0; at < json.length; at++) {
		const mark = json[at];
		if (mark === '"') at = endOfString(json, at);
		else if (mark === "{" || mark === "[") {
			if (++depth === 1) start = at + 1;
		} else if (mark === "}" || mark === "]") {
			if (depth-- === 1) add(at);
		} else if (depth !== 1) continue;
		else if (mark === ",") add(at);
		else if (mark === ":") {
			name = json.slice(start, at).trim();
			start = at + 1;
		}
	}
	return parts;
}

/** Where the string ends whose opening quote is at `start`: the place of its closing quote. */
function endOfString(json: string, start: number): number {
	for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
		let slashes = 0;
		while (json[at - 1 - slashes] === "\\") slashes++;
		if (slashes % 2 === 0) return at;
	}
	return json.length;
}
