// The script of /docs/api: search, copy buttons, and one choice of language for all examples. Without it the page can still be read.

export const SCRIPT = `
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
for (const hidden of all("[data-script]")) hidden.hidden = false;

const search = document.getElementById("search");
const none = document.getElementById("none");
const parts = all("article").map((article) => ({ article, text: article.textContent.toLowerCase() }));
const links = new Map(all(".calls li a").map((link) => [link.hash.slice(1), link.parentElement]));
search.addEventListener("input", () => {
	const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
	let found = 0;
	for (const { article, text } of parts) {
		const fits = words.every((word) => text.includes(word));
		article.hidden = !fits;
		if (fits) found++;
		const link = links.get(article.getAttribute("aria-labelledby"));
		if (link) link.hidden = !fits;
	}
	for (const section of all("main > section")) section.hidden = words.length > 0 && all("article", section).every(({ hidden }) => hidden);
	none.hidden = found > 0;
});
document.addEventListener("keydown", (event) => {
	if (event.key !== "/" || event.target.closest("input, textarea")) return;
	event.preventDefault();
	search.focus();
});

for (const input of all("input[data-language]")) {
	input.addEventListener("change", () => {
		const top = input.getBoundingClientRect().top;
		for (const other of all("input[data-language=" + input.dataset.language + "]")) other.checked = true;
		scrollBy(0, input.getBoundingClientRect().top - top);
	});
}

for (const button of all("button[data-copy]")) {
	button.addEventListener("click", async () => {
		const code = all("pre", button.parentElement).find((pre) => pre.offsetParent !== null);
		try {
			await navigator.clipboard.writeText(code.textContent);
		} catch {
			// Pages without TLS may not write to the clipboard: what is selected can be copied by hand.
			getSelection().selectAllChildren(code);
			if (!document.execCommand("copy")) return;
		}
		button.textContent = "Copied";
		setTimeout(() => (button.textContent = "Copy"), 2000);
	});
}
`;
