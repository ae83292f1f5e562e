// Small pieces of /docs: running text, tables of fields, types, JSON.
import { html } from "hono/html";

import { fieldRows, typeText, type JsonSchema } from "./schema.ts";

/** What the `html` tag gives: text that is escaped already. */
export type Html = ReturnType<typeof html>;

/** Paragraphs, lists of `- ` lines and `code`: all the Markdown that our descriptions use. */
export function prose(text: string): Html {
	return html`${text.split("\n\n").map(block)}`;
}

/** One line of text with its `code`. */
export function inline(text: string): Html {
	return html`${text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** The fields that a schema has; its type alone if it has none. */
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
							<td><code>${path}</code>${required ? "" : html` <span class="soft">optional</span>`}</td>
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
	const lines = text.split("\n");
	if (!lines.every((line) => line.startsWith("- "))) return html`<p>${inline(lines.join(" "))}</p>`;
	return html`<ul>
		${lines.map((line) => html`<li>${inline(line.slice(2))}</li>`)}
	</ul>`;
}
