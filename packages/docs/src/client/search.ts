// The search of the site: the index is loaded when the field gets the focus, and everything is found in the browser.
import MiniSearch, { type SearchResult } from "minisearch";

import type { FoundSection } from "../found-section.ts";

const MAX_SHOWN = 12;
/** Characters of an excerpt before and after the first word that was found. */
const BEFORE = 40;
const AFTER = 110;

/** Makes the field of the header find sections. `/` and Ctrl+K lead to it, arrow keys through what was found, Escape back. */
export function startSearch(find: HTMLElement): void {
	const field = find.querySelector("input");
	const found = find.querySelector<HTMLElement>(".found");
	const status = found?.querySelector("p");
	const list = found?.querySelector("ul");
	if (!field || !found || !status || !list) return;
	let sections: Promise<MiniSearch<FoundSection>> | null = null;
	const load = () => (sections ??= loadIndex(find.dataset["index"] ?? ""));

	const close = () => {
		found.hidden = true;
	};
	const show = async () => {
		const query = field.value.trim();
		if (query === "") return close();
		const results = await load().then(
			(index) => index.search(query),
			() => null,
		);
		// Somebody has typed on meanwhile.
		if (field.value.trim() !== query) return;
		found.hidden = false;
		if (results === null) {
			sections = null;
			status.textContent = "The index of the search cannot be loaded. Reload the page.";
			list.replaceChildren();
			return;
		}
		status.textContent = results.length === 0 ? "Nothing found." : `${results.length} found`;
		list.replaceChildren(...results.slice(0, MAX_SHOWN).map(resultItem));
	};

	field.addEventListener("focus", () => void load().catch(() => (sections = null)));
	field.addEventListener("input", () => void show());
	find.addEventListener("keydown", (event) => {
		const links = [...list.querySelectorAll("a")];
		const place = links.indexOf(document.activeElement as HTMLAnchorElement);
		if (event.key === "Escape") {
			close();
			field.focus();
		} else if (event.key === "ArrowDown") (links[place + 1] ?? links[0])?.focus();
		else if (event.key === "ArrowUp") (place > 0 ? links[place - 1] : field)?.focus();
		else if (event.key === "Enter" && place < 0) links[0]?.click();
		else return;
		event.preventDefault();
	});
	find.addEventListener("click", ({ target }) => {
		// A link to an anchor of the same page loads nothing.
		if ((target as Element).closest("a")) close();
	});
	document.addEventListener("click", ({ target }) => {
		if (!find.contains(target as Node)) close();
	});
	find.addEventListener("focusout", ({ relatedTarget }) => {
		if (relatedTarget !== null && !find.contains(relatedTarget as Node)) close();
	});
	document.addEventListener("keydown", (event) => {
		// The page of the API has a search of its own for its calls, which has the slash.
		const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && document.getElementById("search") === null;
		const isCtrlK = event.key === "k" && (event.ctrlKey || event.metaKey);
		if (!isCtrlK && (!isSlash || (event.target as Element).closest("input, textarea"))) return;
		event.preventDefault();
		field.focus();
		field.select();
	});
}

async function loadIndex(address: string): Promise<MiniSearch<FoundSection>> {
	const response = await fetch(address);
	if (!response.ok) throw new Error(`the index of the search: expected 200, got ${response.status}`);
	const index = new MiniSearch<FoundSection>({
		idField: "address",
		fields: ["title", "page", "text"],
		storeFields: ["title", "page", "address", "text"],
		searchOptions: { boost: { title: 4, page: 3 }, prefix: true, fuzzy: 0.15, combineWith: "AND" },
	});
	index.addAll((await response.json()) as FoundSection[]);
	return index;
}

function resultItem(result: SearchResult): HTMLLIElement {
	const { page, title, address, text } = result as SearchResult & FoundSection;
	const link = document.createElement("a");
	link.href = address;
	const name = document.createElement("b");
	name.textContent = title === "" ? page : `${page} › ${title}`;
	const excerpt = document.createElement("span");
	excerpt.append(...excerptOf(text, result.terms));
	link.append(name, excerpt);
	const item = document.createElement("li");
	item.append(link);
	return item;
}

/** The text around the first of the words, with all of them marked. */
function excerptOf(text: string, words: readonly string[]): (string | HTMLElement)[] {
	const pattern = new RegExp(`(${words.map((word) => RegExp.escape(word)).join("|")})`, "i");
	const first = Math.max(0, text.search(pattern));
	const from = first > BEFORE ? text.indexOf(" ", first - BEFORE) + 1 : 0;
	const cut = `${from > 0 ? "… " : ""}${text.slice(from, first + AFTER)}${first + AFTER < text.length ? " …" : ""}`;
	return cut.split(new RegExp(pattern, "gi")).map((piece, index) => {
		if (index % 2 === 0) return piece;
		const mark = document.createElement("mark");
		mark.textContent = piece;
		return mark;
	});
}
