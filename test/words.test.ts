// Keeps words that were replaced out of the code: they are in the last table of docs/words.md, in backticks in its first column.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Text that keeps a replaced word for a reason: names on disk, fixed values of the HTTP API, names of other libraries. */
const ALLOWED = [/\bfigures_\w+/g, /"statistics"/g, /\bcatalogued\b/gi, /\bconfigur\w+/g];

interface SourceFile {
	readonly path: string;
	readonly text: string;
}

/** The words that `docs/words.md` replaces. */
function replacedWords(document: string): string[] {
	const [, table = ""] = document.split("## Words that were replaced");
	return table
		.split("\n")
		.filter((line) => line.startsWith("| `"))
		.flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, word]) => word!));
}

/** Lines of files with a replaced word, alone or as a part of an identifier: `tally`, `Tally`, `figureRows`. */
function linesWith(words: readonly string[], files: readonly SourceFile[]): string[] {
	const patterns = words.map((word) => new RegExp(word.replaceAll(" ", "[ -]?"), "i"));
	return files.flatMap(({ path, text }) =>
		text.split("\n").flatMap((line, index) => {
			const bare = ALLOWED.reduce((rest, allowed) => rest.replace(allowed, ""), line);
			const found = words.filter((_, place) => patterns[place]!.test(bare));
			return found.map((word) => `${path}:${index + 1}: ${word}`);
		}),
	);
}

function sources(): SourceFile[] {
	const list = execFileSync("git", ["ls-files", "*.ts", "*.tsx", "*.md"], { cwd: root, encoding: "utf8" })
		.trim()
		.split("\n");
	const isCode = (path: string) =>
		/^(packages|simulation|torture|benchmarks|examples|scripts)\//.test(path) && !path.includes("/migrations/");
	return list.filter(isCode).map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

describe("words that were replaced", () => {
	const words = replacedWords(readFileSync(join(root, "docs/words.md"), "utf8"));

	it("are listed in the glossary", () => {
		expect(words).toContain("tally");
		expect(words.length).toBeGreaterThan(5);
	});

	it("are found alone, in compounds and in identifiers, but not in allowed names", () => {
		const text = 'the tally\nconst figureRows = 1;\n"figures_journal"\nan operational event\neventTypes: "catalogued"';
		expect(linesWith(["tally", "figure", "operational event", "catalogue"], [{ path: "a.ts", text }])).toEqual([
			"a.ts:1: tally",
			"a.ts:2: figure",
			"a.ts:4: operational event",
		]);
	});

	it("do not come back", () => expect(linesWith(words, sources())).toEqual([]));
});

/** What is said of the server, the database or a person, and of nothing that a receiver returned. */
const OTHER_ANSWERS = [
	/server(['’]s)? (does not |has not )?answer(ed|s)?\b/i,
	/(database|name servers|nothing|machine|it) (does not |do not |did not |has not )?answer(ed|s)?\b/i,
	/\banswers? (you|calls|only|in |them|with \$\{response\.status)/,
	/was answered with \$\{response\.status/,
	/\$\{url\} (does not )?answer/,
	/browser tab answers/,
	/^"does not answer"$/,
	// Reasons that earlier versions have stored.
	/\(\?:responded with\|answered\)/,
];

/** Texts for people in code: strings of several words, and text between tags. */
function textsIn(code: string): string[] {
	const bare = code.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "");
	const strings = [...bare.matchAll(/"[^"\n]*"|`[^`]*`/g)].map(([text]) => text);
	const between = [...bare.replaceAll(/=>/g, "").matchAll(/>([^<>{}=;()]+)[<{]/g)].map(([, text]) => text!);
	return [...strings.filter((text) => /[ A-Z]/.test(text)), ...between];
}

/** Texts with another word than "response" for what a receiver returned. */
function otherThanResponse(files: readonly SourceFile[]): string[] {
	return files.flatMap(({ path, text }) =>
		textsIn(text)
			.filter((said) =>
				/\banswer/i.test(said.replaceAll(/\$\{[^}]*\}/g, (code) => (/status|url/.test(code) ? code : ""))),
			)
			.filter((said) => !OTHER_ANSWERS.some((other) => other.test(said)))
			.map((said) => `${path}: ${said.trim()}`),
	);
}

describe("what a receiver returned", () => {
	it("is found in strings and between tags, and not in code, comments and words about the server", () => {
		const text =
			'const answer = 1; // An answer\n"The answer"; "answer"; "The server does not answer.";\n<h2>Answer</h2>';
		expect(otherThanResponse([{ path: "a.tsx", text }])).toEqual(['a.tsx: "The answer"', "a.tsx: Answer"]);
	});

	it("is a response for the page, the portal and the command, as in the API", () => {
		const shown = sources().filter(
			({ path }) => /^packages\/(dashboard|cli)\/src\//.test(path) && /\.tsx?$/.test(path) && !path.includes(".test."),
		);
		expect(shown.length).toBeGreaterThan(200);
		expect(otherThanResponse(shown)).toEqual([]);
	});
});
