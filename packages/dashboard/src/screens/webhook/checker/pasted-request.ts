// A request as people have it at hand: headers and body as on the wire or in a log, or a curl command.

/** What a signature is about. */
export interface PastedRequest {
	/** By their names in lower case; of a name that came several times, all values in order. */
	readonly headers: Readonly<Record<string, readonly string[]>>;
	readonly body: string;
}

/** Why a text is no request, for the person who pasted it. */
export class PasteError extends Error {}

const HEADER = /^\s*[<>]?\s*"?([!#$%&'*+\-.^_`|~0-9A-Za-z]+)"?\s*[:=]\s*(.*?)\s*$/;
const REQUEST_LINE = /^\s*[<>]?\s*([A-Z]+ \S+( HTTP\/\d\S*)?|HTTP\/\d.*)\s*$/;

/** Reads a pasted text. A text field has made all line breaks line feeds. */
export function parsePasted(text: string): PastedRequest {
	if (text.trim() === "") throw new PasteError("Paste a request: its headers, an empty line, and its body.");
	const request = /^\s*curl\s/.test(text) ? parseCurl(text) : parseHttp(text);
	if (Object.keys(request.headers).length > 0) return request;
	throw new PasteError(
		"No headers were found. Each has a line of its own, such as `webhook-id: evt_…`, before the body.",
	);
}

/** Headers, an empty line, and the body. Without the empty line, the body begins where no header does. */
function parseHttp(text: string): PastedRequest {
	const lines = text.replace(/^\s*\n/, "").split("\n");
	const headers: [string, string][] = [];
	let at = REQUEST_LINE.test(lines[0] ?? "") ? 1 : 0;
	for (; at < lines.length; at += 1) {
		const line = lines[at] ?? "";
		if (/^\s*[<>]?\s*$/.test(line)) {
			at += 1;
			break;
		}
		const [, name, value = ""] = /^\s*[{[]/.test(line) ? [] : (HEADER.exec(line) ?? []);
		if (name === undefined) break;
		headers.push([name, value]);
	}
	return { headers: gathered(headers), body: lines.slice(at).join("\n") };
}

/** The headers and the data of a command for a POSIX shell, as browsers and tools copy it. */
function parseCurl(text: string): PastedRequest {
	const words = shellWords(text);
	const headers: [string, string][] = [];
	let body = "";
	for (let at = 1; at < words.length; at += 1) {
		const [, long, attached] = /^(--[\w-]+)=([^]*)$/.exec(words[at] ?? "") ?? [];
		const option = long ?? words[at] ?? "";
		const value = () => attached ?? words[(at += 1)] ?? "";
		if (["-H", "--header"].includes(option)) {
			const [, name, content = ""] = /^([^:]+):\s*(.*?)\s*$/.exec(value()) ?? [];
			if (name !== undefined) headers.push([name, content]);
		} else if (["-d", "--data", "--data-ascii", "--data-binary", "--data-raw"].includes(option)) {
			const data = value();
			if (data.startsWith("@") && option !== "--data-raw") {
				throw new PasteError(
					`The body is in the file ${data.slice(1)}: paste the headers, an empty line, and its contents.`,
				);
			}
			// As curl reads it, only --data-binary and --data-raw keep line breaks of a file; of a text, all do.
			body = body === "" ? data : `${body}&${data}`;
		}
	}
	return { headers: gathered(headers), body };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v", a: "\u0007" };

/** The words of a command, without what a shell takes away. Variables and commands in it are not replaced. */
function shellWords(text: string): string[] {
	const PART = /\$'((?:[^'\\]|\\[^])*)'|'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\\n|\\([^])|([^\s'"\\$]+|\$)|(\s+)/g;
	const words: string[] = [];
	let word: string | null = null;
	for (const [part, ansi, single, double, escaped, plain, space] of text.matchAll(PART)) {
		if (space !== undefined || part === "\\\n") {
			if (word !== null && space !== undefined) {
				words.push(word);
				word = null;
			}
			continue;
		}
		const piece =
			(ansi === undefined ? undefined : unescapedAnsi(ansi)) ??
			single ??
			double?.replaceAll(/\\\n/g, "").replaceAll(/\\([$`"\\])/g, "$1") ??
			escaped ??
			plain ??
			"";
		word = (word ?? "") + piece;
	}
	return word === null ? words : [...words, word];
}

/** What stands between `$'` and `'`. */
function unescapedAnsi(text: string): string {
	return text.replaceAll(/\\(?:u([0-9a-fA-F]{1,4})|x([0-9a-fA-F]{1,2})|([^]))/g, (_, unicode, hex, one: string) =>
		unicode === undefined && hex === undefined
			? (ESCAPES[one] ?? one)
			: String.fromCharCode(Number.parseInt((unicode ?? hex) as string, 16)),
	);
}

function gathered(headers: readonly (readonly [name: string, value: string])[]): PastedRequest["headers"] {
	const found = new Map<string, string[]>();
	for (const [name, value] of headers) found.set(name.toLowerCase(), [...(found.get(name.toLowerCase()) ?? []), value]);
	return Object.fromEntries(found);
}
