// The part of /docs/api about one request that receivers get: its headers, its body with an example, and what responses mean.
import { html } from "hono/html";

import { answerTable, parameterTable, type Operation } from "./operation.ts";
import { codeBlock, fieldTable, prose, type Html } from "./parts.ts";

/** The article about a request. `name` is the type of the event. */
export function receivedArticle(name: string, operation: Operation): Html {
	const id = operation.operationId;
	const body = operation.requestBody?.content["application/json"];
	return html`<article aria-labelledby="${id}">
		<h3 id="${id}"><a href="#${id}">${operation.summary}</a></h3>
		<p class="call"><span class="method post">post</span> <code>${name === "event" ? "your endpoint" : name}</code></p>
		${prose(operation.description)}
		${
			body === undefined
				? ""
				: html`<h4>Body</h4>
						${fieldTable(body.schema)}
						${codeBlock(JSON.stringify(body.example, null, 2), `Body for: ${operation.summary}`)}`
		}
		<details>
			<summary>Headers</summary>
			${parameterTable(operation.parameters ?? [])}
		</details>
		<details>
			<summary>Responses</summary>
			${answerTable(operation)}
		</details>
	</article>`;
}
