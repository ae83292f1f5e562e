// The route of an export: what the exports of all lists have in common.
import { z } from "@hono/zod-openapi";

import { route, type Access, type Call, type PathParams, type Route, type Tag } from "../../request/route.ts";
import { csvLine } from "./csv.ts";
import {
	EXPORT_CONTENT_TYPES,
	EXPORT_FORMATS,
	exportReply,
	type ExportCall,
	type ExportedList,
	type ExportFormat,
} from "./export-reply.ts";

/** What others call ndjson. It is accepted, and not in the document. */
const OTHER_WORD = "jsonl";

/** The parameter of every export. */
export const formatParameter = z
	.preprocess((given) => (given === OTHER_WORD ? "ndjson" : given), z.enum(EXPORT_FORMATS))
	.optional()
	.openapi({
		type: "string",
		enum: [...EXPORT_FORMATS],
		description: "`ndjson`, the default: a JSON object a line. `csv`: for spreadsheets.",
	});

/** The export of a list. `Row` is a row as the list shows it. */
interface ExportDefinition<Path extends string, Query, Row extends { readonly id: string }> extends Pick<
	ExportedList<Row>,
	"columns" | "rowsAtOnce"
> {
	readonly id: string;
	readonly tag: Tag;
	/** That of the list, with `:export`. */
	readonly path: Path;
	/** That of the list. */
	readonly access: Access;
	/** Defaults to the verb and `nouns`. */
	readonly summary?: string;
	/** What the list has, such as "deliveries". The name of the file, too, with hyphens for spaces. */
	readonly nouns: string;
	/** One of them, such as "delivery". */
	readonly noun: string;
	/** The order of the list. Defaults to "newest first". */
	readonly order?: string;
	/** What else a reader of the document should know. */
	readonly remarks?: string;
	/** The filters of the list, and `formatParameter`. */
	readonly query: z.ZodObject & z.ZodType<Query>;
	readonly schema: z.ZodType<Row>;
	/** Checks the filters as the list does, and returns how the rows are read. */
	readonly reader: (call: Pick<Call<PathParams<Path>, Query>, "deps" | "scope" | "query">) => ExportedList<Row>["read"];
}

/** Declares the export of a list. */
export function exportRoute<
	const Path extends string,
	Query extends { readonly format?: ExportFormat | undefined },
	Row extends { readonly id: string },
>(definition: ExportDefinition<Path, Query, Row>): Route {
	const { id, tag, path, access, nouns, noun, remarks, query, schema, reader, ...rest } = definition;
	const { summary = `Export ${nouns}`, order = "newest first", ...list } = rest;
	const places =
		access?.wholeWorkspace === true
			? "The workspace can have 2 exports at once."
			: "A project can have 2 exports at once, and its customers 8, 1 each, whatever the lists are.";
	return route<Path, Query>({
		id,
		tag,
		method: "get",
		path,
		access,
		summary,
		description:
			`All ${nouns} that match all filters, ${order}, as a file that is streamed: with \`format=ndjson\` one ${noun} of the list a line, ` +
			`with \`format=csv\` a line of column names and then one ${noun} a line, with dates as ISO 8601, for spreadsheets. There, an apostrophe ` +
			`stands before a character that would begin a formula. ${remarks === undefined ? "" : `${remarks} `}Each ${noun} is as it was when it was ` +
			"read. A response that is cut off is not complete: an export ends early if its key or session does, with the server, and if the client " +
			`reads nothing while others wait for the place. ${places}`,
		query,
		answers: {
			200: {
				description: "The file.",
				schema,
				contentType: EXPORT_CONTENT_TYPES.ndjson,
				text: { contentType: EXPORT_CONTENT_TYPES.csv, example: csvLine(Object.keys(list.columns)) },
			},
		},
		errors: { 429: "Too many exports run already (`too_many_exports`). See `Retry-After`." },
		handle(call) {
			const { format = "ndjson" } = call.query;
			const name = nouns.replaceAll(" ", "-");
			return exportReply(call as ExportCall, access, format, { ...list, name, read: reader(call) });
		},
	});
}
