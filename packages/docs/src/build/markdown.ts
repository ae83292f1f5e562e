// How Markdown becomes HTML: anchors as GitHub makes them, links and pictures of the site, tables that scroll, and the text for the search.
import type { DocsPage } from "./contents.ts";
import { siteLink } from "./links.ts";

/** The part of a markdown-it token that is used here. */
interface Token {
	readonly type: string;
	readonly tag: string;
	content: string;
	readonly info: string;
	readonly children: readonly Token[] | null;
	attrGet(name: string): string | null;
	attrSet(name: string, value: string): void;
}

/** The part of markdown-it that is used here. */
export interface MarkdownIt {
	readonly core: {
		readonly ruler: { push(name: string, rule: (state: { tokens: Token[]; env: PageEnv }) => void): void };
	};
	readonly renderer: {
		readonly rules: Record<string, ((tokens: readonly Token[], index: number) => string) | undefined>;
	};
	readonly utils: { escapeHtml(text: string): string };
}

/** What Eleventy hands to the renderer with each document. */
interface PageEnv {
	readonly slug: string;
}

/** A heading with the text under it. */
export interface Section {
	readonly level: number;
	/** Null for the beginning of a page. */
	readonly anchor: string | null;
	readonly title: string;
	readonly text: string;
}

export interface MarkdownOptions {
	readonly pages: ReadonlyMap<string, DocsPage>;
	readonly slugs: ReadonlyMap<string, string>;
	/** The address of a picture on the site, by its link in a document. */
	readonly picture: (link: string, source: string) => string;
	/** Gets the sections of each page that was rendered. */
	readonly found: (slug: string, sections: readonly Section[]) => void;
}

/** Adds our rules to Eleventy's markdown-it. */
export function extendMarkdown(markdown: MarkdownIt, { pages, slugs, picture, found }: MarkdownOptions): void {
	markdown.core.ruler.push("fanfare", ({ tokens, env: { slug } }) => {
		const page = pages.get(slug);
		if (page === undefined) return;
		setAnchors(tokens);
		for (const children of tokens.map(({ children }) => children ?? [])) {
			for (const [index, token] of children.entries()) {
				if (token.type === "link_open")
					setLink(token, children[index + 1], siteLink(token.attrGet("href") ?? "", page.source, slugs));
				if (token.type === "image") token.attrSet("src", picture(token.attrGet("src") ?? "", page.source));
			}
		}
		found(slug, sectionsOf(tokens));
	});
	/** A link by the name of its file, which readers of the site don't see, gets the name of its page. */
	const setLink = (open: Token, text: Token | undefined, address: string) => {
		open.attrSet("href", address);
		const target = pages.get(address.replace(/#.*$/, ""));
		if (target !== undefined && text?.type === "text" && /^[\w/-]+\.md$/.test(text.content))
			text.content = target.title;
	};
	const { rules } = markdown.renderer;
	rules["fence"] = (tokens, index) => codeBlock(tokens[index], markdown);
	rules["code_block"] = rules["fence"];
	// Long names may be broken after a separator, so that tables fit.
	rules["code_inline"] = (tokens, index) => {
		const pieces = (tokens[index]?.content ?? "").split(/(?<=\w[_./{,:&?=]+)(?=[\w{<])/);
		return `<code>${pieces.map((piece) => markdown.utils.escapeHtml(piece)).join("<wbr />")}</code>`;
	};
	// Comments, such as those about generated files, are for whoever edits the document.
	rules["html_block"] = (tokens, index) => (tokens[index]?.content ?? "").replaceAll(/<!--[^]*?-->\n?/g, "");
	rules["table_open"] = () => `<div class="wide" tabindex="0" role="group" aria-label="Table">\n<table>\n`;
	rules["table_close"] = () => "</table>\n</div>\n";
	rules["heading_close"] = (tokens, index) => {
		const [open, text] = [tokens[index - 2], tokens[index - 1]];
		const tag = tokens[index]?.tag ?? "";
		const anchor = open?.attrGet("id") ?? "";
		if (tag === "h1") return `</${tag}>\n`;
		const label = markdown.utils.escapeHtml(`Link to: ${plainText(text)}`);
		return ` <a class="anchor" href="#${anchor}" aria-label="${label}">#</a></${tag}>\n`;
	};
}

/** The anchor that GitHub gives a heading; `taken` has those that the page has already. */
export function anchorOf(title: string, taken: Map<string, number>): string {
	const plain = title
		.toLowerCase()
		.replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, "")
		.replaceAll(" ", "-");
	const count = taken.get(plain) ?? 0;
	taken.set(plain, count + 1);
	return count === 0 ? plain : `${plain}-${count}`;
}

function setAnchors(tokens: readonly Token[]): void {
	const taken = new Map<string, number>();
	for (const [index, token] of tokens.entries()) {
		if (token.type === "heading_open") token.attrSet("id", anchorOf(plainText(tokens[index + 1]), taken));
	}
}

function codeBlock(token: Token | undefined, { utils }: MarkdownIt): string {
	const language = token?.info.trim() ?? "";
	const label = language === "sh" ? "Commands" : "Code";
	return `<pre tabindex="0" role="group" aria-label="${label}"${language === "" ? "" : ` data-language="${utils.escapeHtml(language)}"`}><code>${utils.escapeHtml(token?.content ?? "")}</code></pre>\n`;
}

/** The text of a heading or a paragraph without its marks. */
function plainText(token: Token | undefined): string {
	const pieces = (token?.children ?? []).map(({ type, content }) => (type.endsWith("break") ? " " : content));
	return pieces.join("").trim();
}

function sectionsOf(tokens: readonly Token[]): Section[] {
	const sections: Section[] = [];
	let open = { level: 1, anchor: null as string | null, title: "", pieces: [] as string[] };
	const close = () => {
		const { pieces, ...section } = open;
		const text = pieces.join(" ").replaceAll(/\s+/g, " ").trim();
		if (section.title !== "" || text !== "") sections.push({ ...section, text });
	};
	for (const [index, token] of tokens.entries()) {
		const before = tokens[index - 1];
		if (token.type === "heading_open") {
			close();
			const level = Number(token.tag.slice(1));
			open = {
				level,
				anchor: level === 1 ? null : token.attrGet("id"),
				title: plainText(tokens[index + 1]),
				pieces: [],
			};
		} else if (token.type === "inline" && before?.type !== "heading_open") open.pieces.push(plainText(token));
		else if (token.type === "fence" || token.type === "code_block") open.pieces.push(token.content);
	}
	close();
	return sections;
}
