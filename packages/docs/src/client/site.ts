// What a document does in the browser: the search, the menu on a phone, and buttons that copy code. All pages can be read without it.
import { startSearch } from "./search.ts";

const COPIED_MS = 2_000;

const find = document.querySelector<HTMLElement>(".find");
if (find !== null) startSearch(find);
startMenu();
for (const block of document.querySelectorAll<HTMLElement>("main pre[data-language]")) addCopyButton(block);

function startMenu(): void {
	const button = document.querySelector<HTMLButtonElement>("button.menu");
	const pages = document.getElementById("pages");
	if (button === null || pages === null) return;
	const set = (isOpen: boolean) => {
		pages.classList.toggle("open", isOpen);
		button.setAttribute("aria-expanded", String(isOpen));
	};
	button.addEventListener("click", () => set(button.getAttribute("aria-expanded") !== "true"));
	document.addEventListener("keydown", ({ key }) => {
		if (key !== "Escape" || !pages.classList.contains("open")) return;
		set(false);
		button.focus();
	});
	const here = pages.querySelector<HTMLElement>("[aria-current]");
	// Without moving the document itself.
	if (here !== null) pages.scrollTop = here.offsetTop - pages.offsetTop - pages.clientHeight / 2;
}

function addCopyButton(block: HTMLElement): void {
	const frame = document.createElement("div");
	frame.className = "code";
	const button = document.createElement("button");
	button.type = "button";
	button.textContent = "Copy";
	button.addEventListener("click", () => void copy(block, button));
	block.replaceWith(frame);
	frame.append(block, button);
}

async function copy(block: HTMLElement, button: HTMLButtonElement): Promise<void> {
	try {
		await navigator.clipboard.writeText(block.textContent);
	} catch {
		// Pages without TLS may not write to the clipboard: what is selected can be copied by hand.
		getSelection()?.selectAllChildren(block);
		if (!document.execCommand("copy")) return;
	}
	button.textContent = "Copied";
	setTimeout(() => {
		button.textContent = "Copy";
	}, COPIED_MS);
}
