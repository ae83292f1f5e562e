// Small parts of /docs/api: paragraphs, tables of fields, links to types, blocks of code.
import { html } from "hono/html";

import { fieldRows, typeText, type JsonSchema } from "./schema.ts";

/** The result of the `html` tag: text that is already escaped. */
export type Html = ReturnType<typeof html>;

/** Renders the Markdown that our descriptions use: paragraphs, lists of `- ` lines and `code`. */
export function prose(text: string): Html {
	return html`${text.split("\n\n").map(block)}`;
}

/** Renders one line of text with `code` in it. */
export function inline(text: string): Html {
	return html`${text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** A name that may be broken after a separator and between words, but not inside a word: `spec.` `retries.` `max` `Backoff` `Ms`. */
export function breakable(name: string): Html {
	const pieces = name.split(/(?<=[._/:}\]])|(?<=[a-z0-9])(?=[A-Z])/);
	return html`${pieces.map((piece, index) => (index === 0 ? piece : html`<wbr />${piece}`))}`;
}

/** A table of the schema's fields; only its type if it has none. */
export function fieldTable(schema: JsonSchema): Html {
	const rows = fieldRows(schema);
	if (rows.length === 0) return html`<p>${typeLink(schema)}</p>`;
	return html`<div class="wide">
		<table>
			<thead>
				<tr>
					<th scope="col">Field</th>
					<th scope="col">Type</th>
					<th scope="col">Meaning</th>
				</tr>
			</thead>
			<tbody>
				${rows.map(
					({ path, type, required, description }) =>
						html`<tr>
							<td><code>${breakable(path)}</code>${required ? "" : html` <span class="soft">optional</span>`}</td>
							<td>${type.link === null ? type.text : html`<a href="#object-${type.link}">${type.text}</a>`}</td>
							<td>${inline(description)}</td>
						</tr> `,
				)}
			</tbody>
		</table>
	</div>`;
}

export function typeLink(schema: JsonSchema): Html {
	const { text, link } = typeText(schema);
	return link === null ? html`<span>${text}</span>` : html`<a href="#object-${link}">${text}</a>`;
}

export function codeBlock(text: string, label: string): Html {
	return html`<pre tabindex="0" aria-label="${label}"><code>${text}</code></pre>`;
}

function block(text: string): Html {
	if (!text.startsWith("- ")) return html`<p>${inline(text.replaceAll("\n", " "))}</p>`;
	// An item may go on in the next line.
	const items = text.slice(2).split("\n- ");
	return html`<ul>
		${items.map((item) => html`<li>${inline(item.replaceAll(/\s*\n\s*/g, " "))}</li>`)}
	</ul>`;
}
